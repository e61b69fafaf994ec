// Sends one text and shows the latest chats. Every path, argument and answer is typed by Colmeia's own document.
import createClient from "openapi-fetch";
import type { paths } from "./colmeia.d.ts";

const [session = "1", chatId = "5511988887777", text = "oi"] = process.argv.slice(2);
const colmeia = createClient<paths>({
  baseUrl: process.env.COLMEIA_URL ?? "http://127.0.0.1:5001",
  headers: process.env.COLMEIA_KEY ? { "X-Api-Key": process.env.COLMEIA_KEY } : {},
});

const sent = await colmeia.POST("/api/sendText", { body: { session, chatId, text } });
if (!sent.data) throw new Error(sent.error.message);
console.log(`sent: ${sent.data.id}`);

const chats = await colmeia.GET("/api/{session}/chats", { params: { path: { session }, query: { limit: 5 } } });
if (!chats.data) throw new Error(chats.error?.message ?? `HTTP ${chats.response.status}`);
for (const chat of chats.data) console.log(`chat: ${chat.id} ${chat.name ?? ""}`);

// Makes the Postman collection from a running Colmeia's document, which lists what is offered:
// `node contrib/postman/make.mjs http://127.0.0.1:5001 > contrib/postman/colmeia.postman_collection.json`.
// The same document gives the same text, so that a test can compare it. It needs nothing but Node.

const base = (process.argv[2] ?? "http://127.0.0.1:5001").replace(/\/$/, "");
const answer = await fetch(`${base}/openapi.json?offered=true`);
if (!answer.ok) throw new Error(`${answer.url} answered ${answer.status}`);
const { paths, tags } = await answer.json();

// What every request takes from the collection's variables, so that it is set once.
const variables = { session: "default", chatId: "5511988887777" };
const shared = (name) => `{{${name}}}`;
const text = (value) => (typeof value === "string" ? value : JSON.stringify(value) ?? "");

function url(path, parameters) {
  const given = new Map(parameters.filter((one) => one.in === "path").map((one) => [one.name, one.example]));
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name) => (name in variables ? shared(name) : `:${name}`));
  const query = parameters.filter((one) => one.in === "query").map(({ name, example, required, schema }) => ({
    key: name,
    value: name in variables ? shared(name) : text(example ?? schema.default),
    ...(required || name === "session" ? {} : { disabled: true }),
  }));
  const asked = query.filter((one) => !one.disabled).map(({ key, value }) => `${key}=${value}`).join("&");
  const variable = names.filter((name) => !(name in variables)).map((key) => ({ key, value: text(given.get(key)) }));
  return {
    raw: `{{baseUrl}}${filled}${asked ? `?${asked}` : ""}`,
    host: ["{{baseUrl}}"],
    path: filled.slice(1).split("/"),
    ...(query.length ? { query } : {}),
    ...(variable.length ? { variable } : {}),
  };
}

function body(operation) {
  const example = operation.requestBody?.content["application/json"]?.example;
  if (!example) return {};
  const filled = { ...example };
  for (const name of Object.keys(variables)) if (name in filled) filled[name] = shared(name);
  // A session that is made has the name that the others use.
  if (operation.operationId === "sessions.create") filled.name = shared("session");
  return { body: { mode: "raw", raw: JSON.stringify(filled, null, 2), options: { raw: { language: "json" } } } };
}

function request(path, method, operation) {
  const { operationId: id, summary, parameters = [] } = operation;
  const once = parameters.filter((one) => one.in === "header").map(({ name, description }) => (
    { key: name, value: "{{$guid}}", description, disabled: true }
  ));
  const header = [...(operation.requestBody ? [{ key: "Content-Type", value: "application/json" }] : []), ...once];
  const asked = { method: method.toUpperCase(), header, url: url(path, parameters), ...body(operation), description: summary };
  return { id, name: summary || id, request: asked, response: [] };
}

const operations = Object.entries(paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ tag: operation.tags[0], item: request(path, method, operation) })),
);
const collection = {
  info: {
    name: "Colmeia",
    description: "WhatsApp Web sessions. Set baseUrl, apiKey (empty on the service's own machine), session and chatId once, under Variables.",
    schema: "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
  },
  auth: {
    type: "apikey",
    apikey: [
      { key: "key", value: "X-Api-Key", type: "string" },
      { key: "value", value: "{{apiKey}}", type: "string" },
      { key: "in", value: "header", type: "string" },
    ],
  },
  variable: Object.entries({ baseUrl: "http://127.0.0.1:5001", apiKey: "", ...variables }).map(([key, value]) => ({ key, value })),
  item: tags.map(({ name }) => ({ name, item: operations.filter(({ tag }) => tag === name).map(({ item }) => item) })),
};
process.stdout.write(`${JSON.stringify(collection, null, 2)}\n`);

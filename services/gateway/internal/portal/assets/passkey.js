// Asks the browser for a passkey and sends the answer with a form, which is hidden
// until it is known that both can be done.
"use strict";

const encode = (buffer) =>
	btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

const ask = async (from) => {
	const response = await fetch(from, { method: "POST", headers: { Accept: "application/json" } });
	if (!response.ok) throw new Error("status " + response.status);
	const { ceremony, options } = (await response.json()).data;
	const publicKey = { ...options, challenge: decode(options.challenge) };
	publicKey.allowCredentials = (options.allowCredentials || []).map((c) => ({ ...c, id: decode(c.id) }));
	const key = await navigator.credentials.get({ publicKey });
	const { authenticatorData, clientDataJSON, signature, userHandle } = key.response;
	const credential = {
		id: key.id,
		rawId: encode(key.rawId),
		type: key.type,
		clientExtensionResults: key.getClientExtensionResults(),
		response: {
			authenticatorData: encode(authenticatorData),
			clientDataJSON: encode(clientDataJSON),
			signature: encode(signature),
		},
	};
	if (key.authenticatorAttachment) credential.authenticatorAttachment = key.authenticatorAttachment;
	if (userHandle) credential.response.userHandle = encode(userHandle);
	return { ceremony, credential: JSON.stringify(credential) };
};

const form = document.querySelector("form[data-passkey]");

if (form && window.isSecureContext && window.PublicKeyCredential) {
	const failed = form.querySelector("[data-passkey-failed]");
	const button = form.querySelector("button");
	form.addEventListener("submit", async (event) => {
		event.preventDefault();
		failed.hidden = true;
		button.disabled = true;
		try {
			const answer = await ask(form.dataset.passkey);
			form.elements.ceremony.value = answer.ceremony;
			form.elements.credential.value = answer.credential;
			const remember = document.getElementById("remember");
			form.elements.remember.value = remember && remember.checked ? "1" : "";
			form.submit();
		} catch {
			failed.hidden = false;
			button.disabled = false;
		}
	});
	form.hidden = false;
	for (const e of document.querySelectorAll("[data-passkey-hidden]")) e.hidden = false;
	for (const e of document.querySelectorAll("[data-passkey-missing]")) e.hidden = true;
}

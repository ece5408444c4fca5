// Has the browser make a passkey and sends it with a form, which is hidden until it
// is known that both can be done.
"use strict";

const encode = (buffer) =>
	btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

const make = async (from) => {
	const response = await fetch(from, { method: "POST", headers: { Accept: "application/json" } });
	if (!response.ok) throw new Error("status " + response.status);
	const { ceremony, options } = (await response.json()).data;
	const publicKey = { ...options, challenge: decode(options.challenge) };
	publicKey.user = { ...options.user, id: decode(options.user.id) };
	publicKey.excludeCredentials = (options.excludeCredentials || []).map((c) => ({ ...c, id: decode(c.id) }));
	const key = await navigator.credentials.create({ publicKey });
	const credential = {
		id: key.id,
		rawId: encode(key.rawId),
		type: key.type,
		clientExtensionResults: key.getClientExtensionResults(),
		response: {
			attestationObject: encode(key.response.attestationObject),
			clientDataJSON: encode(key.response.clientDataJSON),
			transports: key.response.getTransports ? key.response.getTransports() : [],
		},
	};
	if (key.authenticatorAttachment) credential.authenticatorAttachment = key.authenticatorAttachment;
	return { ceremony, credential: JSON.stringify(credential) };
};

const form = document.querySelector("form[data-new-passkey]");

if (form && window.isSecureContext && window.PublicKeyCredential) {
	const failed = form.querySelector("[data-passkey-failed]");
	const button = form.querySelector("button");
	form.addEventListener("submit", async (event) => {
		event.preventDefault();
		failed.hidden = true;
		button.disabled = true;
		try {
			const answer = await make(form.dataset.newPasskey);
			form.elements.ceremony.value = answer.ceremony;
			form.elements.credential.value = answer.credential;
			form.submit();
		} catch {
			failed.hidden = false;
			button.disabled = false;
		}
	});
	form.hidden = false;
	for (const e of document.querySelectorAll("[data-passkey-missing]")) e.hidden = true;
}

// Asks the browser for a passkey, or has it make one, and sends the answer with a
// form, which is hidden until it is known that both can be done.
"use strict";

const encode = (buffer) =>
	btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

const decodeIds = (list) => (list || []).map((c) => ({ ...c, id: decode(c.id) }));

// What the browser is asked, and what it answers with beside what both answer with.
const use = async (options) => {
	const key = await navigator.credentials.get({
		publicKey: { ...options, challenge: decode(options.challenge), allowCredentials: decodeIds(options.allowCredentials) },
	});
	const { authenticatorData, signature, userHandle } = key.response;
	const answer = { authenticatorData: encode(authenticatorData), signature: encode(signature) };
	if (userHandle) answer.userHandle = encode(userHandle);
	return [key, answer];
};

const make = async (options) => {
	const key = await navigator.credentials.create({
		publicKey: {
			...options,
			challenge: decode(options.challenge),
			user: { ...options.user, id: decode(options.user.id) },
			excludeCredentials: decodeIds(options.excludeCredentials),
		},
	});
	const { attestationObject, getTransports } = key.response;
	const transports = getTransports ? key.response.getTransports() : [];
	return [key, { attestationObject: encode(attestationObject), transports }];
};

const perform = async (from, ask) => {
	const response = await fetch(from, { method: "POST", headers: { Accept: "application/json" } });
	if (!response.ok) throw new Error("status " + response.status);
	const { ceremony, options } = (await response.json()).data;
	const [key, answer] = await ask(options);
	const credential = {
		id: key.id,
		rawId: encode(key.rawId),
		type: key.type,
		clientExtensionResults: key.getClientExtensionResults(),
		response: { clientDataJSON: encode(key.response.clientDataJSON), ...answer },
	};
	if (key.authenticatorAttachment) credential.authenticatorAttachment = key.authenticatorAttachment;
	return { ceremony, credential: JSON.stringify(credential) };
};

const offer = (form, from, ask) => {
	const failed = form.querySelector("[data-passkey-failed]");
	const button = form.querySelector("button");
	form.addEventListener("submit", async (event) => {
		event.preventDefault();
		failed.hidden = true;
		button.disabled = true;
		try {
			const answer = await perform(from, ask);
			form.elements.ceremony.value = answer.ceremony;
			form.elements.credential.value = answer.credential;
			const remember = document.getElementById("remember");
			if (form.elements.remember) form.elements.remember.value = remember && remember.checked ? "1" : "";
			form.submit();
		} catch {
			failed.hidden = false;
			button.disabled = false;
		}
	});
	form.hidden = false;
};

if (window.isSecureContext && window.PublicKeyCredential) {
	const login = document.querySelector("form[data-passkey]");
	const fresh = document.querySelector("form[data-new-passkey]");
	if (login) offer(login, login.dataset.passkey, use);
	if (fresh) offer(fresh, fresh.dataset.newPasskey, make);
	if (login || fresh) {
		for (const e of document.querySelectorAll("[data-passkey-hidden]")) e.hidden = false;
		for (const e of document.querySelectorAll("[data-passkey-missing]")) e.hidden = true;
	}
}

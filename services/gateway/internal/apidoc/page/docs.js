"use strict";

// Everything comes from this server; nothing is validated or looked up elsewhere.
window.SwaggerUIBundle({
	url: "/v1/openapi.json",
	dom_id: "#document",
	deepLinking: true,
	docExpansion: "none",
	defaultModelsExpandDepth: 0,
	defaultModelRendering: "example",
	displayRequestDuration: true,
	filter: true,
	tryItOutEnabled: false,
	persistAuthorization: false,
	validatorUrl: null,
	queryConfigEnabled: false,
});

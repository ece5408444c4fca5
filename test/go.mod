module github.com/gatehouse-id/gatehouse/test

go 1.26.0

require (
	github.com/gatehouse-id/gatehouse/pkg v0.0.0
	github.com/gatehouse-id/gatehouse/services/standalone v0.0.0
)

require (
	github.com/PuerkitoBio/goquery v1.13.0 // indirect
	github.com/andybalholm/cascadia v1.3.4 // indirect
	github.com/bahlo/generic-list-go v0.2.0 // indirect
	github.com/basgys/goxml2json v1.1.1-0.20231018121955-e66ee54ceaad // indirect
	github.com/buger/jsonparser v1.1.2 // indirect
	github.com/chromedp/cdproto v0.159.0 // indirect
	github.com/chromedp/chromedp v0.23.0 // indirect
	github.com/coreos/go-oidc/v3 v3.21.0 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/go-openapi/jsonpointer v0.23.1 // indirect
	github.com/go-openapi/swag/jsonname v0.26.0 // indirect
	github.com/pb33f/jsonpath v0.8.2 // indirect
	github.com/pb33f/libopenapi v0.36.6 // indirect
	github.com/pb33f/libopenapi-validator v0.13.8 // indirect
	github.com/pb33f/ordered-map/v2 v2.3.1 // indirect
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.2 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
	go.yaml.in/yaml/v4 v4.0.0-rc.4 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/genproto v0.0.0-20261019180522-ce908d29299b // indirect
)

replace github.com/gatehouse-id/gatehouse/pkg => ../pkg

replace github.com/gatehouse-id/gatehouse/services/standalone => ../services/standalone

replace github.com/gatehouse-id/gatehouse/services/accounts => ../services/accounts

replace github.com/gatehouse-id/gatehouse/services/gateway => ../services/gateway

replace github.com/gatehouse-id/gatehouse/services/mail => ../services/mail

replace github.com/gatehouse-id/gatehouse/services/oauth => ../services/oauth

replace github.com/gatehouse-id/gatehouse/services/sessions => ../services/sessions

module github.com/gatehouse-id/gatehouse/services/sessions

go 1.26.0

require github.com/gatehouse-id/gatehouse/pkg v0.0.0

replace github.com/gatehouse-id/gatehouse/pkg => ../../pkg

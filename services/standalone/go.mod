module github.com/gatehouse-id/gatehouse/services/standalone

go 1.26.0

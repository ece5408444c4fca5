module github.com/gatehouse-id/gatehouse/test

go 1.26.0

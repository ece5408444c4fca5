package db_test

import (
	"testing"
	"testing/fstest"

	"github.com/gatehouse-id/gatehouse/pkg/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// items is a migration with one column of each kind that tables use.
var items = fstest.MapFS{"00001_items.sql": {Data: []byte(`-- +goose Up
CREATE TABLE items (
    id {{identity}},
    name TEXT NOT NULL UNIQUE,
    n BIGINT NOT NULL DEFAULT 0,
    open BOOLEAN NOT NULL DEFAULT TRUE,
    data BYTEA,
    created_at BIGINT,
    parent BIGINT REFERENCES items (id)
);
`)}}

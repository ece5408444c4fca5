-- +goose Up

-- Which change of the provider is in force: what the oauth service keeps of it is
-- found by that.
ALTER TABLE sign_ins ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;

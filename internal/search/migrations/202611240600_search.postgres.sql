-- +goose Up
CREATE TABLE search_posts (
  rowid BIGINT PRIMARY KEY, -- the post's id
  body TSVECTOR NOT NULL
);
CREATE INDEX search_posts_body ON search_posts USING gin (body);

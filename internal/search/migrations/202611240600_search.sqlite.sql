-- +goose Up
-- Holds no text, only what is needed to find it; rowid is the post's id.
CREATE VIRTUAL TABLE search_posts USING fts5(body, content='', contentless_delete=1, detail=none, tokenize='unicode61 remove_diacritics 0');

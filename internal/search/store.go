package search

import (
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
)

// Here the engines truly differ: how text is indexed, and how it is asked for.
var (
	insertPost = db.StmtTwin(
		`INSERT INTO search_posts (rowid, body) VALUES ($1, $2)`,
		`INSERT INTO search_posts (rowid, body) VALUES ($1, to_tsvector('simple', $2)) ON CONFLICT (rowid) DO NOTHING`)
	deletePost = db.Stmt(`DELETE FROM search_posts WHERE rowid = $1`)

	// $1 the question, $2 older than, $3 newer than, $4 how many.
	findPosts = db.DefTwin[id.ID](
		`SELECT rowid FROM search_posts WHERE search_posts MATCH $1 AND rowid < $2 AND rowid > $3 ORDER BY rowid DESC LIMIT $4`,
		`SELECT rowid FROM search_posts WHERE body @@ to_tsquery('simple', $1) AND rowid < $2 AND rowid > $3 ORDER BY rowid DESC LIMIT $4`)
)

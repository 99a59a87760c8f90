package coopapi

import (
	"time"

	"rochdale/internal/kit/db"
)

// answerRow is a request that carried a key, and its answer once there is one.
type answerRow struct {
	Request  string    `db:"request"`
	Status   int       `db:"status"`
	Location string    `db:"location"`
	Body     string    `db:"body"`
	BegunAt  time.Time `db:"begun_at"`
}

var (
	getAnswer    = db.Def[answerRow](`SELECT request, status, location, body, begun_at FROM coopapi_answers WHERE member_id = $1 AND request_key = $2`)
	insertAnswer = db.Stmt(`INSERT INTO coopapi_answers (member_id, request_key, request, begun_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (member_id, request_key) DO NOTHING`)
	setAnswer    = db.Stmt(`UPDATE coopapi_answers SET status = $3, location = $4, body = $5 WHERE member_id = $1 AND request_key = $2`)
	deleteAnswer = db.Stmt(`DELETE FROM coopapi_answers WHERE member_id = $1 AND request_key = $2`)
	sweepAnswers = db.Stmt(`DELETE FROM coopapi_answers WHERE begun_at < $1`)
)

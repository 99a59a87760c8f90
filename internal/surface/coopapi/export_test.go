package coopapi

import (
	"testing"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
)

var countAnswers = db.Def[int](`SELECT COUNT(*) FROM coopapi_answers`)

// Forget makes of an answer a request that broke off.
func Forget(tb testing.TB, s *Service, member id.ID, key string) {
	tb.Helper()
	if err := s.DB.InTx(tb.Context(), func(tx *db.Tx) error {
		_, err := setAnswer.Run(tb.Context(), tx, member, key, 0, "", "")
		return err
	}); err != nil {
		tb.Fatal(err)
	}
}

// Kept is how many answers are kept.
func Kept(tb testing.TB, s *Service) int {
	tb.Helper()
	n, err := countAnswers.One(tb.Context(), s.DB)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

package social

import (
	"context"
	"strings"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
)

// accountsOfDomain lists the accounts of a server and of its subdomains, by the name that people know
// or by the host they live on.
func (s *Service) accountsOfDomain(ctx context.Context, h db.Handle, name string) ([]id.ID, error) {
	// The query finds a few too many, such as addresses that only mention the name.
	pattern := likeEscape(name)
	found, err := listAccountsNear.All(ctx, h, "%"+pattern, "%://%"+pattern+"%")
	if err != nil {
		return nil, err
	}
	rule := limits{domains: map[string]Level{name: LevelBlock}}
	var out []id.ID
	for _, a := range found {
		if rule.domain(&Account{Domain: strings.ToLower(a.Domain), URI: a.URI}) == LevelBlock {
			out = append(out, a.ID)
		}
	}
	return out, nil
}

// sever ends every follow and request of the accounts, in both directions, and remembers them under
// the cause. Nobody elsewhere is told: there is nothing to say to them any more.
func (s *Service) sever(ctx context.Context, tx *db.Tx, cause id.ID, accounts []id.ID) error {
	if len(accounts) == 0 {
		return nil
	}
	cut := id.New(tx.Now())
	n, err := rememberSevered.Run(ctx, tx, cause, cut, accounts)
	if err != nil || n == 0 {
		return err
	}
	for _, st := range []*db.Statement{uncountSeveredFollowers, uncountSeveredFollowing, deleteHomeOfSevered, endSevered} {
		if _, err := st.Run(ctx, tx, cut); err != nil {
			return err
		}
	}
	return nil
}

// Ties are the follows between our accounts and those of a server or an account elsewhere.
type Ties struct {
	Followers int `db:"followers"` // of ours, by them
	Following int `db:"following"` // of them, by ours
}

// TiesOfDomain counts the follows that a block of the server would end.
func (s *Service) TiesOfDomain(ctx context.Context, h db.Handle, name string) (Ties, error) {
	accounts, err := s.accountsOfDomain(ctx, h, name)
	if err != nil || len(accounts) == 0 {
		return Ties{}, err
	}
	return countTies.One(ctx, h, accounts)
}

// TiesOfAccount counts the follows that a suspension of the account elsewhere would end.
func (s *Service) TiesOfAccount(ctx context.Context, h db.Handle, account id.ID) (Ties, error) {
	return countTies.One(ctx, h, []id.ID{account})
}

// Severed counts the follows that blocks of a domain or an account ended and that have not been made
// again since.
func (s *Service) Severed(ctx context.Context, h db.Handle, cause id.ID) (Ties, error) {
	return countSevered.One(ctx, h, cause)
}

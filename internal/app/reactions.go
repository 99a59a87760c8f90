package app

import (
	"context"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/mail"
	"rochdale/internal/member"
	"rochdale/internal/social"
	"rochdale/internal/webhook"
)

// react says what follows from what. Everything here happens in the transaction of its cause.
func (a *App) react() {
	// A new member gets an account on the fediverse, which the sign-in then acts with.
	a.Member.CheckUsername = a.Social.CheckUsername
	a.Member.Admitted.On(a.openAccount)
	a.Member.Applied.On(a.tellAdmitters)
	a.Member.Admitted.On(a.tellAdmitted)
	a.Member.Declined.On(a.tellDeclined)
	a.Identity.SendReset = a.mailReset

	// Power comes from mandates, from decisions and, for a while, from emergency rules.
	a.Mandate.Decided = a.Decision.Decided
	a.Mandate.Elected = a.Election.Elected
	a.Mandate.EmergencyRule = a.emergencyRule
	a.Mandate.RatifyDays = a.ratifyDays
	a.Mandate.Emerged.On(a.onEmerged)
	a.Mandate.Formed.On(a.openBodyAccount)
	a.Mandate.Offered.On(a.tellOffered)
	a.Mandate.Ending.On(a.tellEnding)
	a.Member.Ended.On(func(ctx context.Context, tx *db.Tx, e member.Ended) error {
		return a.Mandate.CloseMember(ctx, tx, e.Member.ID)
	})

	a.Mandate.MayHold = a.mayHold
	a.Member.Erased.On(a.eraseElsewhere)
	a.Member.Clear = func(ctx context.Context, m member.Member) error { return a.Social.ClearPosts(ctx, m.AccountID) }
	a.Member.Archive = a.archiveParts()

	// Motions move when their time comes, and tell of themselves.
	a.Decision.Wake = a.wakeDecisions
	a.Decision.Published.On(a.onPublished)
	a.Decision.Opened.On(a.onOpened)
	a.Decision.Counted.On(a.onCounted)
	a.Decision.Reminded.On(a.onReminded)
	a.Decision.Returned.On(a.onReturned)
	a.Decision.Commented.On(a.onCommented)
	a.Decision.Reacted.On(a.onReacted)

	// Elections move when their time comes; offices that they gave and that fall vacant come back to them.
	a.Election.Wake = a.wakeElections
	a.Election.Witness = a.witnesses()
	a.Ballot.Countersign = a.Witness.Sign
	a.Mandate.Accepted.On(a.Election.OnAccepted)
	a.Mandate.Ended.On(a.Election.OnEnded)
	a.Election.Announced.On(a.onAnnounced)
	a.Election.Moved.On(a.onElectionMoved)
	a.Election.Prolonged.On(a.onElectionProlonged)
	a.Election.Widened.On(a.onElectionWidened)
	a.Election.Nominated.On(a.tellNominated)
	a.Election.Reminded.On(a.onElectionReminded)
	a.Ballot.Taken.On(a.tellPaperTaken)

	// Other programs hear of decisions and memberships.
	a.Webhook.Enqueue = func(ctx context.Context, tx *db.Tx, j webhook.Job) error {
		return a.Queue.Enqueue(ctx, tx, webhook.Kind, j)
	}
	a.hooks()

	// A witness mails codes, and counts what others publish.
	a.Witness.Enqueue = func(ctx context.Context, tx *db.Tx, kind string, args any) error {
		return a.Queue.Enqueue(ctx, tx, kind, args)
	}
	a.Witness.Mail = func(ctx context.Context, tx *db.Tx, to, subject, text string) error {
		return a.send(ctx, tx, mail.Message{To: to, Subject: subject, Text: text})
	}

	// What others do to a member's posts, the member is told.
	a.Social.Published.On(a.Notice.OnPublished)
	a.Social.Edited.On(a.Notice.OnEdited)
	a.Social.Deleted.On(a.Notice.OnDeleted)
	a.Social.Boosted.On(a.Notice.OnBoosted)
	a.Social.Unboosted.On(a.Notice.OnUnboosted)
	a.Social.Favourited.On(a.Notice.OnFavourited)
	a.Social.Unfavourited.On(a.Notice.OnUnfavourited)
	a.Social.Followed.On(a.Notice.OnFollowed)
	a.Social.FollowRequested.On(a.Notice.OnFollowRequested)
	a.Social.FollowAnswered.On(a.Notice.OnFollowAnswered)
	a.Social.Unfollowed.On(a.Notice.OnUnfollowed)
	a.Social.Blocked.On(a.Notice.OnBlocked)

	// What is written can be found.
	a.Social.Published.On(a.Search.OnPublished)
	a.Social.Edited.On(a.Search.OnEdited)
	a.Social.Deleted.On(a.Search.OnDeleted)

	// What our accounts do, other servers hear.
	a.Social.FindRemote = a.ActivityPub.Find
	a.Social.Published.On(a.ActivityPub.OnPublished)
	a.Social.Edited.On(a.ActivityPub.OnEdited)
	a.Social.Deleted.On(a.ActivityPub.OnDeleted)
	a.Social.Boosted.On(a.ActivityPub.OnBoosted)
	a.Social.Unboosted.On(a.ActivityPub.OnUnboosted)
	a.Social.Favourited.On(a.ActivityPub.OnFavourited)
	a.Social.Unfavourited.On(a.ActivityPub.OnUnfavourited)
	a.Social.Pinned.On(a.ActivityPub.OnPinned)
	a.Social.FollowRequested.On(a.ActivityPub.OnFollowRequested)
	a.Social.FollowAnswered.On(a.ActivityPub.OnFollowAnswered)
	a.Social.Unfollowed.On(a.ActivityPub.OnUnfollowed)
	a.Social.Blocked.On(a.ActivityPub.OnBlocked)
	a.Social.Closed.On(a.ActivityPub.OnClosed)
	a.Social.ProfileChanged.On(a.ActivityPub.OnProfileChanged)
}

func (a *App) openAccount(ctx context.Context, tx *db.Tx, e member.Admitted) error {
	account, err := a.Social.Open(ctx, tx, social.NewAccount{Username: e.Member.Username, DisplayName: cut(e.Member.Name, social.MaxDisplayName),
		Kind: social.Person, Member: e.Member.ID})
	if err != nil {
		return err
	}
	if err := a.Identity.SetAccount(ctx, tx, e.Login.ID, account.ID); err != nil {
		return err
	}
	return a.Member.SetAccount(ctx, tx, e.Member.ID, account.ID)
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

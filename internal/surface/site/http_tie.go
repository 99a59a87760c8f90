package site

import (
	"context"
	"net/http"
	"time"

	"rochdale/internal/kit/web"
	"rochdale/internal/social"
)

// tie is something a member does about another account, by its word in the address.
type tie string

const (
	follow   tie = "follow"
	unfollow tie = "unfollow"
	block    tie = "block"
	unblock  tie = "unblock"
	mute     tie = "mute"
	unmute   tie = "unmute"
)

// tie changes what stands between the member and another account.
func (s *Service) tie(what tie) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		ctx, by := r.Context(), web.Actor(r)
		i, err := web.PathID(r, "id")
		if err != nil {
			return err
		}
		if err := by.RequireAccount(); err != nil {
			return err
		}
		switch what {
		case follow:
			_, err = s.Social.Follow(ctx, by, i, social.FollowOptions{})
		case unfollow:
			_, err = s.Social.Unfollow(ctx, by, i)
		case block:
			_, err = s.Social.Block(ctx, by, i)
		case unblock:
			_, err = s.Social.Unblock(ctx, by, i)
		case mute:
			_, err = s.Social.Mute(ctx, by, i, true, time.Time{})
		case unmute:
			_, err = s.Social.Unmute(ctx, by, i)
		}
		if err != nil {
			return err
		}
		a, err := s.Social.Account(ctx, s.DB, i)
		if err != nil {
			return err
		}
		if web.Fragment(r) {
			v, err := s.relation(ctx, by, a)
			if err != nil {
				return err
			}
			if v.Small = r.PostFormValue("small") != ""; v.Small {
				return web.Render(w, r, http.StatusOK, followButton(v))
			}
			return web.Render(w, r, http.StatusOK, relationButtons(v))
		}
		if words := tieDone(ctx, what, "@"+a.Acct()); words != "" {
			web.SetFlash(w, r, words)
		}
		return web.Redirect(w, r, web.Back(r, "/@"+a.Acct()))
	}
}

func tieDone(ctx context.Context, what tie, who string) string {
	switch what {
	case block:
		return t(ctx, "%s is blocked. You can take it back on their profile.", who)
	case mute:
		return t(ctx, "%s is muted. You can take it back on their profile.", who)
	}
	return ""
}

// followRequests lists who asks to follow the member.
func (s *Service) followRequests(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	if err := by.RequireAccount(); err != nil {
		return err
	}
	list, err := s.Social.FollowRequests(ctx, by, window(r, 40))
	if err != nil {
		return err
	}
	v := peopleView{Empty: t(ctx, "Nobody is waiting for your answer.")}
	if v.People, v.pager, err = s.listed(r, list); err != nil {
		return err
	}
	if v.Frame, err = s.frame(w, r, t(ctx, "Who asks to follow you")); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, requestsPage(v))
}

func (s *Service) answerFollow(accept bool) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		i, err := web.PathID(r, "id")
		if err != nil {
			return err
		}
		by := web.Actor(r)
		if err := by.RequireAccount(); err != nil {
			return err
		}
		if err := s.Social.AnswerFollow(r.Context(), by, i, accept); err != nil {
			return err
		}
		return web.Redirect(w, r, web.Back(r, "/follow-requests"))
	}
}

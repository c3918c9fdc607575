// The tree on demand: each node tells of itself and of what its children tell.
//
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agent/agent.hpp"

#include <algorithm>

#include "agent/limits.hpp"
#include "agent/log.hpp"
#include "agent/peer_route.hpp"
#include "core/limits.hpp"
#include "rtsp/limits.hpp"

namespace spreadit::agent {

using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

std::optional<microseconds>
from_ms (const std::optional<double> &ms)
{
  if (!ms)
    return std::nullopt;
  // Clocks that disagree make it negative.
  return microseconds (static_cast<std::int64_t> (std::max (*ms, 0.0) * 1000));
}

std::uint32_t
to_ppm (double fraction)
{
  return static_cast<std::uint32_t> (std::clamp (fraction, 0.0, 1.0) * 1e6);
}

rtsp::SurveyedPeer
about_self (const NodeStats &stats, unsigned children_max)
{
  rtsp::SurveyedPeer self;
  self.self = stats.self;
  self.state = stats.state;
  self.over_tcp = stats.is_parent_over_tcp;
  self.reach = stats.reachable;
  self.level = stats.level;
  self.subtree = stats.subtree;
  // Of who has nobody below, its own figures say more.
  if (!stats.children.empty ())
    self.quality = stats.quality;
  self.children = static_cast<std::uint32_t> (stats.children.size ());
  self.children_max = children_max;
  self.packets_received = stats.data.packets_received;
  self.packets_lost = stats.data.packets_lost;
  self.bytes_in = stats.data.bytes_received;
  self.bytes_out = stats.data.bytes_sent;
  self.moves = stats.switches;
  self.delay = from_ms (stats.data.delay_p50_ms);
  self.delay_p99 = from_ms (stats.data.delay_p99_ms);
  if (stats.data.round_trip)
    self.rtt =
        std::chrono::duration_cast<microseconds> (*stats.data.round_trip);
  self.gap = std::chrono::duration_cast<microseconds> (stats.transience_last);
  return self;
}

rtsp::SurveyedPeer
about_child (const NodeStats::Child &child, unsigned level)
{
  rtsp::SurveyedPeer known;
  known.depth = 1;
  known.self = child.info.contact;
  known.player = child.info.plain_player;
  known.stale = !known.player;
  known.over_tcp = child.is_over_tcp;
  known.reach = child.info.reach;
  known.level = std::min<unsigned> (level + 1, core::limits::levels_max);
  known.subtree = child.info.subtree;
  known.quality = child.info.quality;
  known.children_max = child.info.children_max;
  known.lost_ppm = to_ppm (child.data.lost_fraction);
  if (child.round_trip)
    known.rtt = std::chrono::duration_cast<microseconds> (*child.round_trip);
  return known;
}

} // namespace

bool
Agent::survey (std::uint32_t depth, std::uint32_t peers_max,
    std::vector<core::PeerId> path, SurveyDone done)
{
  const auto local = std::count_if (questions_.begin (), questions_.end (),
      [] (const auto &one) { return !one.second.asker; });
  if (stopped_ || local >= limits::surveys_local_max)
    return false;
  rtsp::Survey survey;
  survey.depth = std::min<std::uint32_t> (depth, core::limits::levels_max);
  survey.peers =
      std::clamp<std::uint32_t> (peers_max, 1, rtsp::limits::survey_peers_max);
  survey.path = std::move (path);
  // Each level has its share of this; see hand_down().
  const auto hops = std::min<std::uint64_t> (
      peer_.subtree ().levels, survey.depth + survey.path.size ());
  survey.wait = std::min<milliseconds> (
      limits::survey_wait_base + limits::survey_wait_level * hops,
      rtsp::limits::survey_wait_max);
  begin_survey (std::move (survey), std::nullopt, std::move (done));
  return true;
}

// From the parent.
void
Agent::on_survey (Link &link, const rtsp::Request &request, rtsp::Survey survey)
{
  const auto now = ControlLoop::now ();
  const auto asked = std::count_if (questions_.begin (), questions_.end (),
      [] (const auto &one) { return one.second.asker.has_value (); });
  // Whoever asks more than we can bear is told so, and shows what it knows.
  if (link.kind != Link::Kind::parent || asked >= limits::surveys_asked_max ||
      now < link.next_survey) {
    send_answer (link, request,
        rtsp::make_response (link.kind == Link::Kind::parent ? 503 : 455));
    return;
  }
  link.next_survey = std::max (link.next_survey,
                         now - limits::survey_burst * limits::survey_interval) +
                     limits::survey_interval;
  send_answer (link, request, rtsp::make_response (200));
  const SurveyQuestion::Asker asker{link.id, survey.token};
  begin_survey (std::move (survey), asker, nullptr);
}

void
Agent::begin_survey (rtsp::Survey survey,
    std::optional<SurveyQuestion::Asker> asker, SurveyDone done)
{
  const auto token = next_question_++;
  SurveyQuestion &question = questions_[token];
  question.asker = asker;
  question.done = std::move (done);
  question.deadline = ControlLoop::now () + survey.wait;
  const NodeStats stats = this->stats ();
  // Answered in time is answered before those above give up.
  const auto hops =
      std::max<std::uint64_t> (1, std::min<std::uint64_t> (stats.subtree.levels,
                                      survey.depth + survey.path.size ()));
  rtsp::Survey below = survey;
  below.token = token;
  below.wait =
      survey.wait * static_cast<int> (hops) / static_cast<int> (hops + 1);
  if (survey.path.empty ()) {
    ask_children (question, below, stats);
  } else {
    question.is_passed_on = true;
    below.path.erase (below.path.begin ());
    question.depth_max = survey.depth;
    for (const auto &child : stats.children)
      if (child.info.contact.id == survey.path.front ())
        ask_child (question, child, below, survey.peers, stats.level);
    // Somebody below it is asked about: what is known of it is no answer.
    for (auto &[link, part] : question.parts)
      if (!below.path.empty ())
        part.known.self.id = core::PeerId{};
  }
  finish_surveys ();
}

void
Agent::ask_children (SurveyQuestion &question, const rtsp::Survey &survey,
    const NodeStats &stats)
{
  question.self = about_self (stats, peer_.config ().children_max);
  if (survey.depth == 0 || survey.peers < 2)
    return;
  std::vector<std::uint32_t> subtrees;
  for (const auto &child : stats.children)
    subtrees.push_back (child.info.plain_player ? 1 : child.info.subtree.peers);
  const auto shares = share_out (survey.peers - 1, subtrees);
  rtsp::Survey below = survey;
  --below.depth;
  question.depth_max = below.depth;
  for (std::size_t i = 0; i < stats.children.size (); ++i)
    if (shares[i] > 0)
      ask_child (question, stats.children[i], below, shares[i], stats.level);
}

void
Agent::ask_child (SurveyQuestion &question, const NodeStats::Child &child,
    rtsp::Survey survey, std::uint32_t peers_max, unsigned level)
{
  const auto id = child.info.link;
  auto &part = question.parts[id];
  question.order.push_back (id);
  part.known = about_child (child, level);
  part.peers_max = peers_max;
  Link *link = find (id);
  if (!link || !link->connection || link->kind != Link::Kind::child) {
    part.over = true;
    return;
  }
  survey.peers = peers_max;
  send_request (*link,
      rtsp::encode_survey (survey, settings_.uri, link->session),
      Outstanding::Kind::survey, survey.token);
}

// The answer says only whether it will be answered.
void
Agent::on_survey_answer (
    Link &link, std::uint64_t token, const rtsp::Response &response)
{
  if (response.status == 200)
    return;
  const auto it = questions_.find (token);
  if (it == questions_.end () || !it->second.parts.contains (link.id))
    return;
  it->second.parts.at (link.id).over = true;
  finish_surveys ();
}

void
Agent::on_surveyed (
    Link &link, const rtsp::Request &request, rtsp::Surveyed surveyed)
{
  send_answer (link, request, rtsp::make_response (200));
  const auto it = questions_.find (surveyed.token);
  if (it == questions_.end () || !it->second.parts.contains (link.id))
    return; // too late, or never asked
  auto &part = it->second.parts.at (link.id);
  add_to_part (part, std::move (surveyed), it->second.depth_max);
  // What it loses it may not know; we have its reports.
  if (part.over && !part.told.empty () && !it->second.is_passed_on)
    part.told.front ().lost_ppm = part.known.lost_ppm;
  finish_surveys ();
}

// Whoever is gone says nothing more, and needs no answer.
void
Agent::forget_in_surveys (core::LinkId id)
{
  std::erase_if (questions_, [id] (const auto &one) {
    return one.second.asker && one.second.asker->link == id;
  });
  bool any = false;
  for (auto &[token, question] : questions_)
    if (const auto it = question.parts.find (id); it != question.parts.end ()) {
      it->second.over = true;
      any = true;
    }
  // Not now: links are being dropped.
  if (any && !stopped_)
    ControlLoop::arm (survey_timer_.get (), ControlLoop::now ());
}

// Those that are answered, and those for which the time is over.
void
Agent::finish_surveys ()
{
  const auto now = ControlLoop::now ();
  auto next = core::Instant::max ();
  std::vector<SurveyQuestion> over;
  for (auto it = questions_.begin (); it != questions_.end ();) {
    if (it->second.is_over () || it->second.deadline <= now) {
      over.push_back (std::move (it->second));
      it = questions_.erase (it);
    } else {
      next = std::min (next, it->second.deadline);
      ++it;
    }
  }
  ControlLoop::arm (survey_timer_.get (), next);
  for (auto &question : over)
    answer_survey (question);
}

void
Agent::answer_survey (SurveyQuestion &question)
{
  auto peers = question.take ();
  if (!question.asker) {
    question.done (std::move (peers));
    return;
  }
  Link *link = find (question.asker->link);
  if (!link || !link->connection)
    return;
  for (auto &part : rtsp::encode_surveyed (
           question.asker->token, peers, settings_.uri, link->session))
    send_request (*link, std::move (part), Outstanding::Kind::survey);
}

} // namespace spreadit::agent

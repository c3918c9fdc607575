// SPDX-License-Identifier: LGPL-2.1-or-later
#include "sim/repair_model.hpp"

#include <algorithm>
#include <cmath>

#include "media/limits.hpp"

namespace spreadit::sim {

using core::Duration;

namespace {

// An RTPFB packet with one entry (RFC 4585 6.2.1, RFC 6642 5.1), by UDP and
// IPv4.
constexpr double feedback_bytes = 16 + 28;

} // namespace

RepairModel::RepairModel (const Scenario &scenario)
    : loss_ (scenario.loss), repairs_ (scenario.repairs),
      step_ (scenario.deadline / steps), packet_bytes_ (scenario.packet_bytes)
{
  // By the next packet of its picture; if the picture's end is lost, by what
  // the marker bit has promised; if all of it is, by the next picture.
  const auto packets = static_cast<unsigned> (std::max (
      1.0, std::round (static_cast<double> (scenario.stream_bps) / 8 /
                       scenario.frames_per_s / scenario.packet_bytes)));
  const double whole = std::pow (loss_, packets - 1);
  double tail = 0;
  for (unsigned i = 1; i <= packets; ++i)
    tail += std::pow (loss_, packets - i) * (1 - std::pow (loss_, i - 1));
  tail /= packets;
  const Duration reorder = media::limits::reorder_wait_min;
  const Duration frame (std::llround (1e9 / scenario.frames_per_s));
  missed_ = {{{1 - whole - tail, reorder},
      {tail, reorder + media::limits::tail_wait_min},
      {whole, reorder + frame}}};
}

RepairModel::Lateness
RepairModel::in_time ()
{
  Lateness late{};
  late[0] = 1;
  return late;
}

std::size_t
RepairModel::to_steps (Duration time) const
{
  return step_ > Duration::zero ()
             ? static_cast<std::size_t> ((time + step_ - Duration (1)) / step_)
             : steps + 1;
}

bool
RepairModel::asks_twice (Duration way)
{
  return 2 * way + media::limits::answer_slack >=
         media::limits::asked_twice_from;
}

double
RepairModel::fails (Duration way) const
{
  const double question = asks_twice (way) ? loss_ * loss_ : loss_;
  return 1 - (1 - question) * (1 - loss_);
}

RepairModel::Lateness
RepairModel::further (const Lateness &until, Duration way, double through) const
{
  Lateness sum{};
  const auto add = [&] (std::size_t first, std::size_t last, std::size_t later,
                       double share) {
    for (std::size_t i = first; i <= last && i + later <= steps; ++i)
      sum[i + later] += until[i] * share;
  };
  add (0, steps, 0, (1 - loss_) * through);
  const double again = fails (way);
  double share = loss_ * (1 - again) * through;
  for (unsigned n = 1; n <= repairs_ && share > 0; ++n, share *= again) {
    const Duration asking =
        2 * way + (n - 1) * (2 * way + media::limits::answer_slack);
    for (const Missed &missed : missed_)
      add (0, 0, to_steps (asking + missed.after), share * missed.share);
    // What those above are at is left to them for longer than it mostly takes
    // (ThirdPartyTimes): three tenths more, if one in ten is asked for again.
    for (std::size_t i = 1; i <= steps; ++i) {
      const Duration late = static_cast<Duration::rep> (i) * step_;
      add (i, i,
          to_steps (asking + late * 3 / 10 + media::limits::answer_slack),
          share);
    }
  }
  return sum;
}

double
RepairModel::within (const Lateness &late, Duration spare) const
{
  double sum = 0;
  for (std::size_t i = 0; i <= steps; ++i)
    if (static_cast<Duration::rep> (i) * step_ <= spare)
      sum += late[i];
  return sum;
}

double
RepairModel::lost (Duration way) const
{
  return loss_ * std::pow (fails (way), repairs_);
}

double
RepairModel::sent_again (Duration way) const
{
  const double question = asks_twice (way) ? loss_ * loss_ : loss_;
  double sum = 0, asked = loss_;
  for (unsigned n = 1; n <= repairs_; ++n, asked *= fails (way))
    sum += asked * (1 - question); // the question came
  return sum;
}

double
RepairModel::feedback (const Lateness &until, Duration way) const
{
  double questions = 0, asked = loss_;
  for (unsigned n = 1; n <= repairs_; ++n, asked *= fails (way))
    questions += asked * (asks_twice (way) ? 2 : 1);
  // Nobody repairs, nobody tells.
  const double missing_above = repairs_ > 0 ? 1 - until[0] : 0;
  return (questions + missing_above) * feedback_bytes / packet_bytes_;
}

} // namespace spreadit::sim

/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_SPREADIT_SESSION_H__
#define __GST_SPREADIT_SESSION_H__

#include <gst/spreadit/spreadit.h>

G_BEGIN_DECLS

/* What the elements share: a peering manager, its properties as properties of
 * the element, its signals as messages on the bus, and the application session
 * begun and left with the state of the element.
 *
 * An element that was handed somebody else's manager only listens to it: who
 * made the manager begins, leaves and reports. */

typedef struct _GstSpreaditSession GstSpreaditSession;

typedef enum {
  GST_SPREADIT_ROLE_PEER,
  GST_SPREADIT_ROLE_SOURCE,
} GstSpreaditRole;

/* Called on the control thread, without a lock, for as long as the owner
 * lives; each may be NULL. */
typedef struct {
  /* The SDP is known, or is another one. */
  void (*media_changed) (GstElement *owner, const gchar *sdp);
  /* The application session is over: the source said so (FALSE), or no parent
   * is to be had (TRUE, and the error has been posted). */
  void (*over) (GstElement *owner, gboolean failed);
  void (*state_changed) (GstElement *owner, GstSpreaditPeerState state);
} GstSpreaditSessionEvents;

/* `events` must live as long as the session. */
GstSpreaditSession *gst_spreadit_session_new (GstElement *owner,
    GstSpreaditRole role, const GstSpreaditSessionEvents *events);

void gst_spreadit_session_free (GstSpreaditSession *session);

/* Transfer full, never NULL. */
GstSpreaditPeeringManager *gst_spreadit_session_get_manager (
    GstSpreaditSession *session);

/* NULL: back to a manager of its own. Below PAUSED only. */
void gst_spreadit_session_set_manager (
    GstSpreaditSession *session, GstSpreaditPeeringManager *manager);

/* Properties: one for each of the manager's that `role` has a use for, from
 * `first_id` on, which must be greater than the element's own ids. */
void gst_spreadit_session_install_properties (
    GObjectClass *klass, GstSpreaditRole role, guint first_id);

void gst_spreadit_session_set_property (
    GstSpreaditSession *session, const GValue *value, GParamSpec *pspec);

void gst_spreadit_session_get_property (
    GstSpreaditSession *session, GValue *value, GParamSpec *pspec);

/* Changes the state of the owner with the session around it: begun before
 * READY->PAUSED (posts the error when that fails), left before PAUSED->READY
 * while the data still flows, closed after. A peer is live: NO_PREROLL both
 * ways; a source has nothing to preroll: SUCCESS both ways. */
GstStateChangeReturn gst_spreadit_session_change_state (
    GstSpreaditSession *session, GstElementClass *parent_class,
    GstStateChange transition);

/* Starts to leave; children are told and helped away. */
void gst_spreadit_session_leave (GstSpreaditSession *session);

G_END_DECLS

#endif /* __GST_SPREADIT_SESSION_H__ */

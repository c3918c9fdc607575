/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_SPREADIT_ENUMS_H__
#define __GST_SPREADIT_ENUMS_H__

#include <gst/spreadit/spreadit-prelude.h>

G_BEGIN_DECLS

/* Values are ABI: add at the end only. */

/**
 * GstSpreaditAddPolicy:
 * @GST_SPREADIT_ADD_POLICY_RANDOM: one of the children, drawn at random
 * @GST_SPREADIT_ADD_POLICY_ROUND_ROBIN: the children in turn
 * @GST_SPREADIT_ADD_POLICY_SMART_PLACEMENT: the child closest to the newcomer
 * @GST_SPREADIT_ADD_POLICY_KNOCK_DOWNS: a newcomer that is closer than all
 *   children takes the place of the farthest; others go to the closest child
 * @GST_SPREADIT_ADD_POLICY_SMART_BANDWIDTH: a newcomer with more upload
 *   bandwidth takes the place of this node, which goes below it; with others as
 *   #GstSpreaditPeeringManager:second-add-policy says
 * @GST_SPREADIT_ADD_POLICY_AUTO: straight to a peer below that has reported
 *   room, high in the tree, near and long there; a newcomer that can take more
 *   children than a child here gets its place and takes it in; who stays long
 *   rises (beyond the paper)
 *
 * Whom a saturated peer sends a newcomer to (paper, V-A).
 *
 * Since: 1.0
 */
typedef enum {
  GST_SPREADIT_ADD_POLICY_RANDOM = 0,
  GST_SPREADIT_ADD_POLICY_ROUND_ROBIN = 1,
  GST_SPREADIT_ADD_POLICY_SMART_PLACEMENT = 2,
  GST_SPREADIT_ADD_POLICY_KNOCK_DOWNS = 3,
  GST_SPREADIT_ADD_POLICY_SMART_BANDWIDTH = 4,
  GST_SPREADIT_ADD_POLICY_AUTO = 5,
} GstSpreaditAddPolicy;

/**
 * GstSpreaditDeletePolicy:
 * @GST_SPREADIT_DELETE_POLICY_GRANDFATHER: the children go to the parent of
 *   the leaver
 * @GST_SPREADIT_DELETE_POLICY_ROOT: the children go to the source
 * @GST_SPREADIT_DELETE_POLICY_GRANDFATHER_ALL: all descendants go to the
 *   parent of the leaver
 * @GST_SPREADIT_DELETE_POLICY_ROOT_ALL: all descendants go to the source
 *
 * Where the descendants of a peer go that leaves or fails (paper, V-B).
 *
 * Since: 1.0
 */
typedef enum {
  GST_SPREADIT_DELETE_POLICY_GRANDFATHER = 0,
  GST_SPREADIT_DELETE_POLICY_ROOT = 1,
  GST_SPREADIT_DELETE_POLICY_GRANDFATHER_ALL = 2,
  GST_SPREADIT_DELETE_POLICY_ROOT_ALL = 3,
} GstSpreaditDeletePolicy;

/**
 * GstSpreaditProximity:
 * @GST_SPREADIT_PROXIMITY_NONE: not at all
 * @GST_SPREADIT_PROXIMITY_RTT: by the round trip to the source
 * @GST_SPREADIT_PROXIMITY_TRACEROUTE: by the routers on the way to the source
 *   and, where those say nothing, by the round trip
 *
 * How a node finds out where in the network it is, for the add policies that
 * place newcomers near each other (paper, V-A.3).
 *
 * Since: 1.0
 */
typedef enum {
  GST_SPREADIT_PROXIMITY_NONE = 0,
  GST_SPREADIT_PROXIMITY_RTT = 1,
  GST_SPREADIT_PROXIMITY_TRACEROUTE = 2,
} GstSpreaditProximity;

/**
 * GstSpreaditPeerState:
 * @GST_SPREADIT_PEER_STATE_IDLE: no application session, or it is over
 * @GST_SPREADIT_PEER_STATE_DISCOVERING: looking for the first parent
 * @GST_SPREADIT_PEER_STATE_RECEIVING: getting the stream
 * @GST_SPREADIT_PEER_STATE_TRANSIENT: expects the stream, does not get it
 * @GST_SPREADIT_PEER_STATE_SOURCE: this node is the source
 * @GST_SPREADIT_PEER_STATE_FAILED: the application session failed
 *
 * What a node is doing (paper, II).
 *
 * Since: 1.0
 */
typedef enum {
  GST_SPREADIT_PEER_STATE_IDLE = 0,
  GST_SPREADIT_PEER_STATE_DISCOVERING = 1,
  GST_SPREADIT_PEER_STATE_RECEIVING = 2,
  GST_SPREADIT_PEER_STATE_TRANSIENT = 3,
  GST_SPREADIT_PEER_STATE_SOURCE = 4,
  GST_SPREADIT_PEER_STATE_FAILED = 5,
} GstSpreaditPeerState;

#define GST_TYPE_SPREADIT_ADD_POLICY (gst_spreadit_add_policy_get_type ())
GST_SPREADIT_API
GType gst_spreadit_add_policy_get_type (void);

#define GST_TYPE_SPREADIT_DELETE_POLICY (gst_spreadit_delete_policy_get_type ())
GST_SPREADIT_API
GType gst_spreadit_delete_policy_get_type (void);

#define GST_TYPE_SPREADIT_PROXIMITY (gst_spreadit_proximity_get_type ())
GST_SPREADIT_API
GType gst_spreadit_proximity_get_type (void);

#define GST_TYPE_SPREADIT_PEER_STATE (gst_spreadit_peer_state_get_type ())
GST_SPREADIT_API
GType gst_spreadit_peer_state_get_type (void);

G_END_DECLS

#endif /* __GST_SPREADIT_ENUMS_H__ */

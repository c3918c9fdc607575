/* Nothing under libsoup 2's name: what a process has that uses it.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later */
int libsoup_2_is_here = 1;

// GLib's constructor leaves its first table of quarks behind when it grows, on
// purpose. To know that place, LeakSanitizer has to see whole stacks.
//
// SPDX-License-Identifier: LGPL-2.1-or-later

extern "C" {

// Without AddressSanitizer nobody asks.
const char *__asan_default_options () __attribute__ ((visibility ("default")));
const char *__lsan_default_suppressions ()
    __attribute__ ((visibility ("default")));

const char *
__asan_default_options ()
{
  return "fast_unwind_on_malloc=0";
}

const char *
__lsan_default_suppressions ()
{
  return "leak:call_init\n";
}
}

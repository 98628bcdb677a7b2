/** Bounds of the shell, unit last. */

import { LIMITS } from '../../core/limits.ts';
import type { ScriptLimits } from './protocol.ts';

export const SCRIPT_LIMITS: ScriptLimits = {
  timeMs: LIMITS.run_timeout_default_ms,
  outputBytes: 32 * 1024 * 1024,
  commands: 100_000,
  loops: 100_000,
  fileBytes: 32 * 1024 * 1024,
};

export const SHELL_LIMITS = {
  /** How long a script may take to stop once it is told to; then its thread is ended. */
  abort_ms: 250,
  /** How long an idle thread is kept for the next script of the same caller. */
  idle_ms: 20_000,
  idle_threads_max: 2,
  /** Scripts and sessions at once. */
  threads_max: 16,
  heap_mb: 256,
  young_heap_mb: 16,
  /** What a client may say at once: a script, or a piece of input. */
  ask_bytes_max: 8 * 1024 * 1024,
  /** Files that one script may have open for writing. */
  open_files_max: 256,
  /** Of what a script reads on its standard input. */
  stdin_bytes_max: 32 * 1024 * 1024,
} as const;

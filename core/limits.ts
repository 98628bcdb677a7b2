/** Every bound in the system, unit last. */
export const LIMITS = {
  /** Contract section 2: what one open of a message may hold. */
  message_bytes_max: 64 * 1024,
  /** What a writable value may hold. */
  value_bytes_max: 1024 * 1024,
  /** What a call's request may hold. */
  request_bytes_max: 1024 * 1024,
  /** NAME_MAX and PATH_MAX of Linux. */
  name_bytes_max: 255,
  path_bytes_max: 4096,
  /** Names one listing may hold before it is cut (external mounts cut earlier). */
  listing_entries_max: 100_000,
  /** What the kernel may send in one WRITE. */
  write_bytes_max: 1024 * 1024,
  open_handles_max: 65_536,
  /** Bytes kept of a log that lives in memory. */
  log_bytes_max: 4 * 1024 * 1024,
  queue_depth_default: 100,
  idempotency_window_ms: 600_000,
  /** A finished run stays listed this long. */
  zombie_ms: 60_000,
  run_turns_max: 50,
  run_timeout_default_ms: 600_000,
  history_turns_max: 20,
  /** Runs that one message may start. */
  branches_max: 100,
  /** How deep agents may call agents. */
  run_depth_max: 8,
  tool_result_bytes_max: 256 * 1024,
  drain_ms: 30_000,
  /** sun_path of unix(7), less the NUL. */
  socket_path_bytes_max: 107,
  errors_kept: 200,
  decisions_kept: 4096,
} as const;

/** Names of commands that one looks for, without their forms, which are large. */

/** In the order in which somebody looks for them. */
export const GROUPS = {
  charging: ["start", "stop", "set_limit", "unlock", "reserve", "cancel_reservation"],
  station: ["reset", "availability", "trigger", "clear_cache", "get_report", "get_variables", "set_variables"],
  files: ["get_log", "update_firmware"],
} as const;

export const QUICK = ["start", "stop", "reset", "trigger", "unlock", "availability", "set_limit", "get_variables"] as const;

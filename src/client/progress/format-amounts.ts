const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** Returns a size such as `1.5 GiB`, with at most three digits and nine characters. */
export function formatBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** Returns a duration such as `4.2 s`, `48 s`, `3 m 05 s` or `2 h 10 m`. */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${pad(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} m`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}

/** Returns texts such as `12 MiB/s` and `48 s left`. Leaves out a value that is unknown or zero. */
export function formatSpeed(
  bytesPerSecond: number | undefined,
  secondsLeft: number | undefined,
): readonly string[] {
  const isMoving = bytesPerSecond !== undefined && bytesPerSecond > 0;
  return [
    ...(isMoving ? [`${formatBytes(bytesPerSecond)}/s`] : []),
    ...(secondsLeft === undefined ? [] : [`${formatDuration(secondsLeft)} left`]),
  ];
}

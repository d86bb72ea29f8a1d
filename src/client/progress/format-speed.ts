import { formatBytes } from "./format-bytes.ts";
import { formatDuration } from "./format-duration.ts";

/** As in `12 MiB/s` and `48 s left`; nothing where nothing moves. */
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

/** Wrong use: told in one line, with exit code 2. */
export class UsageError extends Error {}

/** What went wrong while it ran: told in one line, with exit code 1. */
export class ClientError extends Error {}

/** Why a command ends early: someone sent the process this signal. */
export class Interrupted extends ClientError {
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super("interrupted");
    this.signal = signal;
  }
}

/** The reason of an error in a few words; `fetch` hides its own in the cause. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // These say all that there is to say.
  if (error instanceof ClientError || error instanceof UsageError) return error.message;
  const { cause } = error;
  if (cause instanceof AggregateError) return describeError(cause.errors[0]);
  if (cause === undefined) return error.message;
  const { code, message } = cause as { code?: string; message?: string };
  const reason = [code, message].find((text) => text !== undefined && text !== "");
  return reason === undefined ? error.message : `${error.message}: ${reason}`;
}

/** Which requests a fault strikes: those that meet every condition given. */
export interface FaultMatch {
  readonly bucket?: string;
  readonly method?: string;
  readonly key?: string;
  /** A regular expression's source. */
  readonly keyPattern?: string;
  /** S3's name of the operation, as in `GetObject`. */
  readonly operation?: string;
}

/** What happens to a request; all of it if several are given. */
export interface FaultEffect {
  /** Answers this error instead; each of the four alone is enough to. */
  readonly status?: number;
  readonly code?: string;
  readonly html?: boolean;
  readonly bodyless?: boolean;
  readonly message?: string;
  /** Added to whatever answer there is. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The error is answered only after the request has taken effect. */
  readonly afterCommit?: boolean;
  /** Closes the connection instead of answering, before or after the effect. */
  readonly dropConnection?: "before" | "after-commit";
  /** Waits before anything else. */
  readonly delayMs?: number;
  /** Pauses once, after the first byte of the answer's body. */
  readonly stallMs?: number;
  /** Closes the connection after so much of the announced body. */
  readonly cutAfterBytes?: number;
  /** Answers a ranged read with 200 and the whole body. */
  readonly ignoreRange?: boolean;
}

export interface FaultRule {
  /** Without it, every request. */
  readonly match?: FaultMatch;
  readonly effect: FaultEffect;
  /** Lets so many matching requests pass first. */
  readonly skip?: number;
  /** Strikes so many times; without it, for ever. */
  readonly count?: number;
}

export interface FaultRequest {
  readonly bucket: string;
  readonly method: string;
  readonly key: string;
  readonly operation: string;
}

interface LiveRule {
  readonly rule: FaultRule;
  readonly pattern: RegExp | undefined;
  toSkip: number;
  left: number;
}

/** Faults by rule, in order: the first live one that matches strikes. */
export class FaultInjector {
  #rules: LiveRule[] = [];
  readonly #latencies = new Map<string, number>();

  add(...rules: readonly FaultRule[]): void {
    for (const rule of rules) {
      const keyPattern = rule.match?.keyPattern;
      const pattern = keyPattern === undefined ? undefined : new RegExp(keyPattern, "u");
      this.#rules.push({
        rule,
        pattern,
        toSkip: rule.skip ?? 0,
        left: rule.count ?? Infinity,
      });
    }
  }

  /** Delays every answer; in one bucket, or where that has none, in all. */
  setLatency(latencyMs: number, bucket = ""): void {
    this.#latencies.set(bucket, latencyMs);
  }

  latencyMs(bucket: string): number {
    return this.#latencies.get(bucket) ?? this.#latencies.get("") ?? 0;
  }

  /** Forgets rules and latency: those of one bucket, or all. */
  clear(bucket?: string): void {
    if (bucket === undefined) {
      this.#rules = [];
      this.#latencies.clear();
      return;
    }
    this.#rules = this.#rules.filter(({ rule }) => rule.match?.bucket !== bucket);
    this.#latencies.delete(bucket);
  }

  /** The fault that strikes this request, which counts as one of its strikes. */
  take(request: FaultRequest): FaultEffect | undefined {
    for (const live of this.#rules) {
      if (live.left <= 0 || !matches(live, request)) continue;
      if (live.toSkip > 0) {
        live.toSkip -= 1;
        continue;
      }
      live.left -= 1;
      return live.rule.effect;
    }
    return undefined;
  }
}

function matches({ rule: { match = {} }, pattern }: LiveRule, request: FaultRequest): boolean {
  return (
    (match.bucket ?? request.bucket) === request.bucket &&
    (match.method ?? request.method) === request.method &&
    (match.key ?? request.key) === request.key &&
    (match.operation ?? request.operation) === request.operation &&
    (pattern === undefined || pattern.test(request.key))
  );
}

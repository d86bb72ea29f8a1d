import { createRateWindow } from "./rate-window.ts";

/** The work that is done for a path at the moment. */
export type TransferPhase = "packing" | "sending" | "checking";

export interface TransferView {
  readonly name: string;
  readonly phase: TransferPhase;
  /**
   * Bytes that the current phase has done: of the NAR while packing, of the
   * compressed file later.
   */
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly bytesPerSecond: number | undefined;
  readonly secondsLeft: number | undefined;
}

export interface TransfersView {
  readonly endedPaths: number;
  readonly totalPaths: number;
  /** From 0 to 1. It is weighted by the sizes of the NARs, which are known from the start. */
  readonly fraction: number;
  /** Compressed bytes that this run has sent. */
  readonly sentBytes: number;
  readonly bytesPerSecond: number | undefined;
  readonly secondsLeft: number | undefined;
  /** The path that started first is first. */
  readonly active: readonly TransferView[];
}

/** Receives the progress of one path from the code that pushes it. */
export interface Transfer {
  packed(narBytes: number): void;
  /** The NAR is packed. The bucket already has `presentBytes` of the file. */
  sending(fileSize: number, presentBytes: number): void;
  /** The bucket has `fileBytes` of the file. The number gets smaller when a part is sent again. */
  sent(fileBytes: number): void;
  checking(fileBytes: number): void;
  end(): void;
}

export interface TransferModel {
  /** Adds paths that will be pushed, and the sum of their NAR sizes. */
  expect(paths: number, narBytes: number): void;
  start(name: string, narSize: number): Transfer;
  view(): TransfersView;
}

/**
 * The part of a path's work that is done when each phase begins. For most paths,
 * sending takes most of the time.
 */
const PHASE_STARTS = { packing: 0, sending: 0.1, checking: 0.9 } as const;
const PHASE_SHARES = { packing: 0.1, sending: 0.8, checking: 0.1 } as const;

interface State {
  readonly name: string;
  readonly narSize: number;
  phase: TransferPhase;
  done: number;
  total: number;
  present: number;
  sent: number;
  rate: ReturnType<typeof createRateWindow>;
}

/**
 * Creates a model that computes bytes, rates and remaining times of many
 * transfers. `now` is in milliseconds.
 */
export function createTransferModel(now: () => number): TransferModel {
  const active = new Set<State>();
  const sentRate = createRateWindow();
  const wayRate = createRateWindow();
  let totalPaths = 0;
  let totalBytes = 0;
  let endedPaths = 0;
  let endedBytes = 0;
  let endedSent = 0;

  function enter(state: State, phase: TransferPhase, total: number): void {
    state.phase = phase;
    state.total = total;
    state.done = 0;
    state.rate = createRateWindow();
  }

  function advance(state: State, done: number): void {
    state.done = done;
    state.rate.add(now(), done);
  }

  return {
    expect(paths, narBytes) {
      totalPaths += paths;
      totalBytes += narBytes;
    },
    start(name, narSize) {
      const rate = createRateWindow();
      const state: State = {
        name,
        narSize,
        phase: "packing",
        done: 0,
        total: narSize,
        present: 0,
        sent: 0,
        rate,
      };
      active.add(state);
      return {
        packed: (narBytes) => advance(state, narBytes),
        sending(fileSize, presentBytes) {
          enter(state, "sending", fileSize);
          state.present = presentBytes;
          state.sent = presentBytes;
          advance(state, presentBytes);
        },
        sent(fileBytes) {
          state.sent = fileBytes;
          advance(state, fileBytes);
        },
        checking(fileBytes) {
          if (state.phase !== "checking") enter(state, "checking", state.total);
          advance(state, fileBytes);
        },
        end() {
          if (!active.delete(state)) return;
          endedPaths++;
          endedBytes += narSize;
          endedSent += state.sent - state.present;
        },
      };
    },
    view() {
      const time = now();
      const states = [...active];
      const sentBytes = sum(states.map(({ sent, present }) => sent - present)) + endedSent;
      const way = sum(states.map((state) => state.narSize * wayOf(state))) + endedBytes;
      sentRate.add(time, sentBytes);
      wayRate.add(time, way);
      return {
        endedPaths,
        totalPaths,
        fraction: totalBytes === 0 ? 0 : Math.min(1, way / totalBytes),
        sentBytes,
        bytesPerSecond: sentRate.perSecond(time),
        secondsLeft: timeLeft(totalBytes - way, wayRate.perSecond(time)),
        active: states.map((state) => viewOf(state, time)),
      };
    },
  };
}

function viewOf({ name, phase, done, total, rate }: State, time: number): TransferView {
  const bytesPerSecond = rate.perSecond(time);
  const secondsLeft = timeLeft(total - done, bytesPerSecond);
  return { name, phase, doneBytes: done, totalBytes: total, bytesPerSecond, secondsLeft };
}

function wayOf({ phase, done, total }: State): number {
  const part = total === 0 ? 1 : Math.min(1, done / total);
  return PHASE_STARTS[phase] + PHASE_SHARES[phase] * part;
}

function timeLeft(rest: number, perSecond: number | undefined): number | undefined {
  return perSecond === undefined || perSecond <= 0 ? undefined : Math.max(0, rest) / perSecond;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

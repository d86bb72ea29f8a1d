import { describe, expect, it } from "vitest";
import { FaultInjector, type FaultMatch } from "../../../tools/b2-server/fault-injector.ts";
import { RequestLog } from "../../../tools/b2-server/request-log.ts";

const REQUEST = { bucket: "b", method: "GET", key: "nix/cache/a.narinfo", operation: "GetObject" };
const EFFECT = { status: 503 };

describe("FaultInjector", () => {
  it.each<{ match: FaultMatch; strikes: boolean }>([
    { match: {}, strikes: true },
    { match: { bucket: "b" }, strikes: true },
    { match: { bucket: "c" }, strikes: false },
    { match: { method: "HEAD" }, strikes: false },
    { match: { key: "nix/cache/a.narinfo" }, strikes: true },
    { match: { key: "a.narinfo" }, strikes: false },
    { match: { keyPattern: "\\.narinfo$" }, strikes: true },
    { match: { keyPattern: "^nar/" }, strikes: false },
    { match: { operation: "GetObject", method: "GET" }, strikes: true },
    { match: { operation: "GetObject", method: "PUT" }, strikes: false },
  ])("matches by every condition of $match", ({ match, strikes }) => {
    const faults = new FaultInjector();
    faults.add({ match, effect: EFFECT });
    expect(faults.take(REQUEST) !== undefined).toBe(strikes);
  });

  it("skips, strikes so many times, then lets the next rule", () => {
    const faults = new FaultInjector();
    faults.add({ effect: { status: 1 }, skip: 1, count: 2 }, { effect: { status: 2 } });
    const taken = [1, 2, 3, 4].map(() => faults.take(REQUEST)?.status);
    expect(taken).toEqual([2, 1, 1, 2]);
  });

  it("does not use a rule up on requests that it does not match", () => {
    const faults = new FaultInjector();
    faults.add({ match: { method: "PUT" }, effect: EFFECT, count: 1 });
    expect(faults.take(REQUEST)).toBeUndefined();
    expect(faults.take({ ...REQUEST, method: "PUT" })).toBe(EFFECT);
  });

  it("clears one bucket's rules and latency only", () => {
    const faults = new FaultInjector();
    faults.add({ match: { bucket: "b" }, effect: EFFECT });
    faults.add({ match: { bucket: "c" }, effect: EFFECT });
    faults.setLatency(5);
    faults.setLatency(9, "b");
    expect([faults.latencyMs("b"), faults.latencyMs("c")]).toEqual([9, 5]);
    faults.clear("b");
    expect(faults.take(REQUEST)).toBeUndefined();
    expect(faults.take({ ...REQUEST, bucket: "c" })).toBe(EFFECT);
    expect(faults.latencyMs("b")).toBe(5);
  });
});

describe("RequestLog", () => {
  it("filters, counts and clears by bucket", () => {
    const log = new RequestLog();
    log.begin(REQUEST, undefined).status = 200;
    log.begin({ ...REQUEST, bucket: "c" }, "bytes=0-1").status = 206;
    expect(log.list({ bucket: "c" })).toEqual([
      { ...REQUEST, bucket: "c", range: "bytes=0-1", status: 206, bytesIn: 0, bytesOut: 0 },
    ]);
    log.clear("c");
    expect([log.count(), log.count({ bucket: "c" }), log.count({ status: 200 })]).toEqual([
      1, 0, 1,
    ]);
  });

  it("forgets the oldest", () => {
    const log = new RequestLog();
    for (let index = 0; index < 45_000; index += 1) {
      log.begin({ ...REQUEST, key: String(index) }, undefined);
    }
    expect(log.count()).toBeLessThanOrEqual(20_000);
    expect(log.list().at(-1)?.key).toBe("44999");
  });
});

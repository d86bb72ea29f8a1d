import { describe, expect, it } from "vitest";
import { parseSettings } from "../../src/settings/settings.ts";

const DAY = 24 * 3600 * 1000;

function read(env: Readonly<Record<string, string>>) {
  const { catalog, pushes } = parseSettings({
    B2_ENDPOINT: "https://s3.example.org",
    B2_REGION: "us-west-004",
    B2_BUCKET: "bucket",
    B2_KEY_ID: "id",
    B2_APPLICATION_KEY: "key",
    ...env,
  });
  return { ...catalog.retention, problems: pushes.ok ? [] : pushes.error };
}

describe("the settings of retention", () => {
  it("keep everything and remove nothing by default", () => {
    expect(read({})).toEqual({
      isCollecting: false,
      ageMilliseconds: undefined,
      since: "use",
      newest: 0,
      budgetBytes: undefined,
      problems: [],
    });
  });

  it("are read as days, a number of paths and gigabytes", () => {
    expect(
      read({
        CATALOG: "on",
        COLLECT: "on",
        KEEP_DAYS: "90",
        KEEP_SINCE: "push",
        KEEP_NEWEST: "3",
        KEEP_GIGABYTES: "200",
      }),
    ).toEqual({
      isCollecting: true,
      ageMilliseconds: 90 * DAY,
      since: "push",
      newest: 3,
      budgetBytes: 200e9,
      problems: [],
    });
  });

  it.each([
    { what: "COLLECT without CATALOG", env: { COLLECT: "on", KEEP_DAYS: "90" }, says: "COLLECT" },
    { what: "COLLECT without a limit", env: { CATALOG: "on", COLLECT: "on" }, says: "COLLECT" },
    {
      what: "fewer days than Nix remembers",
      env: { KEEP_DAYS: "30" },
      says: "KEEP_DAYS",
    },
    { what: "no number of days", env: { KEEP_DAYS: "1 month" }, says: "KEEP_DAYS" },
    { what: "a zero", env: { KEEP_GIGABYTES: "0" }, says: "KEEP_GIGABYTES" },
    { what: "a wrong KEEP_SINCE", env: { KEEP_SINCE: "read" }, says: "KEEP_SINCE" },
    { what: "a negative number", env: { KEEP_NEWEST: "-1" }, says: "KEEP_NEWEST" },
  ])("refuse $what", ({ env, says }) => {
    expect(read(env).problems).toEqual([expect.objectContaining({ setting: says })]);
  });

  it("take days below 35 by the last push", () => {
    expect(read({ KEEP_DAYS: "7", KEEP_SINCE: "push" })).toMatchObject({
      ageMilliseconds: 7 * DAY,
      problems: [],
    });
  });

  it("remove nothing while any setting of pushes is wrong", () => {
    const good = { CATALOG: "on", COLLECT: "on", KEEP_DAYS: "90" };
    expect(read(good).isCollecting).toBe(true);
    expect(read({ ...good, KEEP_NEWST: "3" }).isCollecting).toBe(false);
    expect(read({ ...good, KEEP_NEWEST: "three" }).isCollecting).toBe(false);
  });
});

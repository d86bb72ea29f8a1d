import type { TestProject } from "vitest/node";
import { startFakeB2Control } from "./fake-b2-control.ts";
import type { FakeB2Access } from "../fake-b2-client.ts";
import { startFakeB2 } from "./fake-b2.ts";

/**
 * Vitest's global setup: one fake B2 for every test file of a project, which
 * each makes a bucket of its own in (`createFakeB2Client`).
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const fake = await startFakeB2();
  const control = await startFakeB2Control(fake);
  const { endpoint, region, keyId, secret, unlisted } = fake;
  const controlUrl = control.url;
  const access: FakeB2Access = { endpoint, controlUrl, region, keyId, secret, unlisted };
  project.provide("fakeB2", access);
  return async () => {
    await control.close();
    await fake.close();
  };
}

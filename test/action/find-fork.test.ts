import { writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { findFork, findForkInEvent } from "../../src/action/find-fork.ts";
import { temporaryDirectory } from "../../testkit/node/temporary-directory.ts";

const OWN = { id: 74, full_name: "octo-org/octo-repo" };
const FORK = { id: 99, full_name: "mallory/octo-repo" };

describe("findForkInEvent", () => {
  it.each([
    { what: "a push", event: "push", payload: { repository: OWN }, fork: undefined },
    { what: "a schedule", event: "schedule", payload: {}, fork: undefined },
    {
      what: "a pull request of the same repository",
      event: "pull_request",
      payload: { repository: OWN, pull_request: { head: { repo: OWN }, base: { repo: OWN } } },
      fork: undefined,
    },
    {
      what: "a pull request from a fork",
      event: "pull_request",
      payload: { repository: OWN, pull_request: { head: { repo: FORK }, base: { repo: OWN } } },
      fork: "mallory/octo-repo",
    },
    {
      what: "one that runs with the secrets of the base",
      event: "pull_request_target",
      payload: { repository: OWN, pull_request: { head: { repo: FORK }, base: { repo: OWN } } },
      fork: "mallory/octo-repo",
    },
    {
      what: "a comment on an issue",
      event: "issue_comment",
      payload: { repository: OWN, issue: {} },
      fork: undefined,
    },
    {
      what: "a comment on a pull request, whose head it does not name",
      event: "issue_comment",
      payload: { repository: OWN, issue: { pull_request: { url: "x" } } },
      fork: "an unknown repository",
    },
    {
      what: "a check of an own pull request",
      event: "check_run",
      payload: {
        repository: OWN,
        check_run: { pull_requests: [{ head: { repo: OWN }, base: { repo: OWN } }] },
      },
      fork: undefined,
    },
    {
      what: "a check that lists a fork beside an own one",
      event: "check_suite",
      payload: {
        repository: OWN,
        check_suite: {
          pull_requests: [
            { head: { repo: OWN }, base: { repo: OWN } },
            { head: { repo: FORK }, base: { repo: OWN } },
          ],
        },
      },
      fork: "an unknown repository",
    },
    {
      what: "a check that lists no pull request, as GitHub does for a fork's",
      event: "check_suite",
      payload: { repository: OWN, check_suite: { pull_requests: [] } },
      fork: "an unknown repository",
    },
    {
      what: "a check without a list",
      event: "check_run",
      payload: { repository: OWN, check_run: {} },
      fork: "an unknown repository",
    },
    {
      what: "the status of a commit on a branch",
      event: "status",
      payload: { repository: OWN, branches: [{ name: "main" }] },
      fork: undefined,
    },
    {
      what: "the status of a commit on no branch",
      event: "status",
      payload: { repository: OWN, branches: [] },
      fork: "an unknown repository",
    },
    {
      what: "a review of one",
      event: "pull_request_review",
      payload: { repository: OWN, pull_request: { head: { repo: FORK }, base: { repo: OWN } } },
      fork: "mallory/octo-repo",
    },
    {
      what: "a fork that was deleted",
      event: "pull_request",
      payload: { repository: OWN, pull_request: { head: { repo: null }, base: { repo: OWN } } },
      fork: "a deleted repository",
    },
    {
      what: "another repository of the same name",
      event: "pull_request",
      payload: {
        pull_request: { head: { repo: { ...OWN, id: 99 } }, base: { repo: OWN } },
      },
      fork: "octo-org/octo-repo",
    },
    {
      what: "a run after the workflow of a fork",
      event: "workflow_run",
      payload: { repository: OWN, workflow_run: { head_repository: FORK } },
      fork: "mallory/octo-repo",
    },
    {
      what: "a run after a workflow of its own",
      event: "workflow_run",
      payload: { repository: OWN, workflow_run: { head_repository: OWN } },
      fork: undefined,
    },
    {
      what: "a pull request of which nothing is known",
      event: "pull_request_target",
      payload: undefined,
      fork: "an unknown repository",
    },
    {
      what: "repositories without numbers",
      event: "pull_request",
      payload: { pull_request: { head: { repo: {} }, base: { repo: {} } } },
      fork: "a deleted repository",
    },
  ])("says of $what: $fork", ({ event, payload, fork }) => {
    expect(findForkInEvent(event, payload)).toBe(fork);
  });
});

describe("findFork", () => {
  it("reads the file that the runner names", async () => {
    const file = path.join(await temporaryDirectory(), "event.json");
    const payload = { pull_request: { head: { repo: FORK }, base: { repo: OWN } } };
    await writeFile(file, JSON.stringify(payload));
    const env = { GITHUB_EVENT_NAME: "pull_request", GITHUB_EVENT_PATH: file };
    expect(await findFork({ env })).toBe("mallory/octo-repo");
  });

  it("trusts no pull request whose file cannot be read", async () => {
    const env = { GITHUB_EVENT_NAME: "pull_request", GITHUB_EVENT_PATH: "/nonexistent" };
    expect(await findFork({ env })).toBe("an unknown repository");
  });
});

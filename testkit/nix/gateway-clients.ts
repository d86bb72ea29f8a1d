import { type LocalGateway, PUSH_TOKEN } from "../node/local-gateway.ts";
import { createNixMachine, type NixMachine, type NixMachineOptions } from "./nix-client.ts";

/** A machine that may push to the gateway, and has no substituter. */
export async function createPusher(
  gateway: LocalGateway,
  options: NixMachineOptions = {},
): Promise<NixMachine> {
  return await createNixMachine(gateway.directory, { token: PUSH_TOKEN, ...options });
}

/** A machine of anyone: an empty store, and the gateway as the only substituter, whose key it trusts. */
export async function createPuller(
  gateway: LocalGateway,
  options: NixMachineOptions = {},
): Promise<NixMachine> {
  const { url, publicKey } = gateway;
  return await createNixMachine(gateway.directory, {
    substituter: url,
    trustedPublicKeys: [publicKey],
    ...options,
  });
}

/** All that `storePath` needs, itself included. Throws if any of it is not in the store. */
export async function closureOf(
  machine: NixMachine,
  storePath: string,
): Promise<readonly string[]> {
  const text = await machine.run("nix-store", "--query", "--requisites", storePath);
  return text.split("\n").toSorted();
}

/** Reads every byte in the store again; throws unless all hash to what was registered. */
export async function verifyStore(machine: NixMachine): Promise<void> {
  await machine.run("nix-store", "--verify", "--check-contents");
}

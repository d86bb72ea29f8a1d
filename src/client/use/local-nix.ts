import type { ProcessContext } from "../process-context.ts";
import { ClientError } from "../client-error.ts";
import { askDaemonTrust, type DaemonTrust } from "./daemon-trust.ts";
import { type NixSettings, readNixSettings, readSystemSettings } from "./nix-settings.ts";

/** Nix on this machine, as this user has it. */
export interface LocalNix {
  readonly trust: DaemonTrust;
  /** What counts: of an untrusted user's own settings nothing does. */
  readonly settings: NixSettings;
}

/** Undefined where there is none, or it cannot be asked; `reason` is then told. */
export async function askLocalNix(
  context: ProcessContext,
): Promise<LocalNix | { readonly reason: string }> {
  try {
    const system = await readSystemSettings(context);
    const trust = await askDaemonTrust(context, system);
    const settings = trust.isTrusted === false ? system : await readNixSettings(context);
    return { trust, settings };
  } catch (error) {
    if (error instanceof ClientError) return { reason: error.message };
    throw error;
  }
}

import type { RolloutManifest } from '../../src/api/artifacts/rollout-manifest.ts';
import type { Fleet } from '../../src/api/kinds/fleet.ts';
import type { Timestamp } from '../../src/api/time.ts';
import type { SignedRelease } from './ci.ts';

/** What CI has signed, and what of it was in force. */
export class Publications {
  /** By commit and time of signing. */
  readonly #signed = new Map<string, SignedRelease>();
  /** By rollout id: the newest release in force that named it. */
  readonly #naming = new Map<string, SignedRelease>();
  /** By commit: the newest of its releases that was in force. */
  readonly #newest = new Map<string, SignedRelease>();

  /** CI signs a release of this commit. */
  add(commit: string, release: SignedRelease): void {
    this.#signed.set(`${commit} ${release.signedAt}`, release);
  }

  /** The Fleet says what is in force. */
  note({ status }: Fleet): void {
    const { artifact } = status ?? {};
    const release = artifact && this.#signed.get(`${artifact.ciCommit} ${artifact.signedAt}`);
    if (artifact === undefined || release === undefined) return;
    this.#newest.set(artifact.ciCommit, release);
    for (const id of release.manifests.keys()) this.#naming.set(id, release);
  }

  /** The newest signed manifest of a rollout that was in force. */
  manifestOf(rolloutId: string): RolloutManifest | undefined {
    return this.#naming.get(rolloutId)?.manifests.get(rolloutId);
  }

  /** Whether the newest content of its commit still names a rollout: a channel without hosts has none. */
  isNamed(rolloutId: string): boolean {
    const release = this.#naming.get(rolloutId);
    return release !== undefined && release === this.#newest.get(rolloutId.split('@')[1] ?? '');
  }

  /** A manifest as agents fetch it. */
  served(rolloutId: string): { signedAt: Timestamp; targetOf(host: string): string | undefined } | undefined {
    const signedAt = this.#naming.get(rolloutId)?.signedAt;
    const manifest = this.manifestOf(rolloutId);
    if (signedAt === undefined || manifest === undefined) return undefined;
    return {
      signedAt,
      targetOf: (host) => manifest.hostSet.find(({ hostname }) => hostname === host)?.targetClosure,
    };
  }
}

/** One signed rollout manifest, byte for byte as CI published it. */
export interface SignedManifest {
  readonly bytes: Uint8Array;
  /** The raw signature (64 bytes), not its base64 form. */
  readonly signature: Uint8Array;
}

/** The content in force as agents read it: exact bytes and raw signatures (agent-protocol.md §1.8). */
export interface ReleaseView {
  readonly fleetText: Uint8Array;
  /** The raw signature (64 bytes), not its base64 form. */
  readonly fleetSignature: Uint8Array;
  /** The newest verified manifest of this id; undefined where the content has none. Rejects where it cannot be read. */
  manifest(rolloutId: string): Promise<SignedManifest | undefined>;
}

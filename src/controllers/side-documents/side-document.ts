import { compareTimestamps, type Timestamp } from '../../api/time.ts';
import type { Fleet } from '../../api/kinds/fleet.ts';
import type { ArtifactPayload } from '../../core/artifacts/read-artifact.ts';
import type { SignedDocument } from '../../core/artifacts/release.ts';
import { verifyArtifact } from '../../core/artifacts/verify.ts';
import { durationOr } from '../../core/duration.ts';
import { releaseKeys, trustOf } from '../content/trust.ts';
import { SourceFault } from '../fleet/release-files.ts';
import { DocumentSource, type DocumentSourceContext, type DocumentSpec } from './document-source.ts';

/** The kinds of signed document beside the release. */
export type SideDocumentKind = 'bootstrap_nonces' | 'revocations';

/** Why the newest document of a source is not in use. */
export interface SideDocumentProblem {
  readonly reason: string;
  /** Names the field and the remedy. */
  readonly message: string;
}

/** A verified side document in use. */
export interface HeldDocument<Kind extends SideDocumentKind> {
  readonly payload: ArtifactPayload<Kind>;
  readonly signedAt: Timestamp;
  readonly document: SignedDocument;
}

const DEFAULT_WINDOW_MS = 720 * 3_600_000;

/**
 * One signed side document: read, verified, and the last good one kept while its source fails. What is held is checked
 * again whenever it is looked at anew (its age excepted): a list that only a withdrawn key signed is no longer used.
 */
export class SideDocument<Kind extends SideDocumentKind> {
  readonly kind: Kind;
  readonly field: string;
  readonly #context: DocumentSourceContext;
  readonly #source: DocumentSource;
  readonly #specOf: (fleet: Fleet) => DocumentSpec | undefined;
  #verified = false;
  #held: HeldDocument<Kind> | undefined;
  #problem: SideDocumentProblem | undefined;

  constructor(
    kind: Kind,
    field: string,
    context: DocumentSourceContext,
    specOf: (fleet: Fleet) => DocumentSpec | undefined,
  ) {
    this.kind = kind;
    this.field = field;
    this.#context = context;
    this.#source = new DocumentSource(context, field);
    this.#specOf = specOf;
  }

  /** What is in use; undefined where none is named, or none was verified yet. */
  get held(): HeldDocument<Kind> | undefined {
    return this.#held;
  }

  /** Why the newest document is not in use; undefined where it is. */
  get problem(): SideDocumentProblem | undefined {
    return this.#problem;
  }

  /** Whether nothing is to be waited for: the Fleet names none, or one was verified since this process started. */
  isSettled(fleet: Fleet): boolean {
    return this.#verified || this.#specOf(fleet) === undefined;
  }

  /** Looks at the source; resolves to whether what is in use has changed. Rejects only where the signal aborts. */
  async refresh(fleet: Fleet, signal: AbortSignal): Promise<boolean> {
    const spec = this.#specOf(fleet);
    const before = this.#held;
    if (spec === undefined) {
      this.#held = undefined;
      this.#problem = undefined;
      return before !== undefined;
    }
    this.#held = this.#stillTrusted(fleet);
    this.#problem = await this.#take(fleet, spec, signal);
    return this.#held !== before;
  }

  async #take(
    fleet: Fleet,
    spec: DocumentSpec,
    signal: AbortSignal,
  ): Promise<SideDocumentProblem | undefined> {
    let document: SignedDocument;
    try {
      document = await this.#source.read(fleet, spec, signal);
    } catch (error) {
      signal.throwIfAborted();
      const reason = error instanceof SourceFault ? error.reason : 'SourceUnreadable';
      return { reason, message: error instanceof Error ? error.message : String(error) };
    }
    const windowMs = durationOr(fleet.spec.freshness.window, DEFAULT_WINDOW_MS);
    const verdict = this.#verify(fleet, document, windowMs / 1000);
    if ('problem' in verdict) return verdict.problem;
    const { held } = verdict;
    if (this.#held !== undefined && compareTimestamps(held.signedAt, this.#held.signedAt) < 0) {
      return {
        reason: 'OlderThanHeld',
        message: `${this.field}: signed ${held.signedAt}, but one signed ${this.#held.signedAt} is in use: let CI sign again`,
      };
    }
    this.#verified = true;
    if (!sameBytes(this.#held?.document, document)) this.#held = held;
    return undefined;
  }

  #stillTrusted(fleet: Fleet): HeldDocument<Kind> | undefined {
    const held = this.#held;
    return held !== undefined && 'held' in this.#verify(fleet, held.document, undefined) ? held : undefined;
  }

  #verify(
    fleet: Fleet,
    document: SignedDocument,
    freshnessWindowSeconds: number | undefined,
  ): { readonly held: HeldDocument<Kind> } | { readonly problem: SideDocumentProblem } {
    const trust = trustOf(fleet, this.#context.configMaps);
    if (!trust.ok) return { problem: { reason: trust.reason, message: trust.message } };
    const now = this.#context.clock.now();
    const { keys, rejectBefore } = releaseKeys(trust.trust, now);
    const options = { now, rejectBefore, freshnessWindowSeconds };
    const result = verifyArtifact(this.kind, document.bytes, document.signature, keys, options);
    if (!result.ok) {
      return { problem: { reason: result.error, message: `${this.field}: ${result.message}` } };
    }
    return { held: { payload: result.payload, signedAt: result.signedAt, document } };
  }
}

function sameBytes(a: SignedDocument | undefined, b: SignedDocument): boolean {
  return (
    a !== undefined &&
    Buffer.compare(a.bytes, b.bytes) === 0 &&
    Buffer.compare(a.signature, b.signature) === 0
  );
}

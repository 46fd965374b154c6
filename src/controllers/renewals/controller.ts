import { X509Certificate } from 'node:crypto';
import type { Fleet } from '../../api/kinds/fleet.ts';
import { timestampFromMillis } from '../../api/time.ts';
import { renewalsDue, type RenewalDue, type Validity } from '../../core/enrolment/renewals-due.ts';
import { freshUntil } from '../../core/fleet/status.ts';
import { Controller } from '../../kube/controller.ts';
import type { RuntimeMetrics } from '../../kube/runtime-metrics.ts';
import { getSecret, secretText } from '../../kube/secret.ts';
import { ContentFault, type ReleaseCache } from '../content/release-cache.ts';
import { trustOf } from '../content/trust.ts';
import { servedFleet, type ControllerContext } from '../context.ts';
import type { SideDocuments } from '../side-documents/side-documents.ts';

/** The only key. */
export const RENEWALS_KEY = 'renewals';
const LOOK_MS = 60_000;

/** What the controller needs beside the context. */
export interface RenewalOptions {
  readonly releases: ReleaseCache;
  readonly documents: SideDocuments;
  /** Called when what is due has changed. */
  readonly onChange: () => void;
}

/** What runs out soon, looked at once a minute. */
export class RenewalWatch {
  readonly #context: ControllerContext;
  readonly #options: RenewalOptions;
  #due: readonly RenewalDue[] = [];

  constructor(context: ControllerContext, options: RenewalOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** What was due at the last look. */
  get due(): readonly RenewalDue[] {
    return this.#due;
  }

  /** The controller that looks. */
  controller(metrics?: RuntimeMetrics): Controller {
    return new Controller({
      name: 'renewals',
      clock: this.#context.clock,
      log: this.#context.log,
      tracer: this.#context.tracer,
      ...(metrics && { metrics }),
      reconcile: async () => {
        await this.look();
        return { requeueAfterMs: LOOK_MS };
      },
    });
  }

  /** Looks now, and tells people once of what is new. */
  async look(): Promise<void> {
    const fleet = servedFleet(this.#context);
    if (fleet === undefined) return;
    const { clock, stores } = this.#context;
    const { documents } = this.#options;
    const trust = trustOf(fleet, stores.configMaps);
    const due = renewalsDue({
      now: clock.now(),
      trust: trust.ok ? trust.trust : undefined,
      authority: await this.#authority(fleet),
      release: await this.#release(fleet),
      hosts: stores.hosts.list(),
      nonces: documents.nonces.held?.payload.bootstrapNonces ?? [],
      refusedDocuments: [documents.nonces, documents.revocations].flatMap(({ problem }) =>
        problem === undefined ? [] : [problem.message],
      ),
    });
    if (JSON.stringify(due) === JSON.stringify(this.#due)) return;
    this.#tell(fleet, due);
    this.#due = due;
    this.#options.onChange();
  }

  #tell(fleet: Fleet, due: readonly RenewalDue[]): void {
    const known = new Set(this.#due.map(({ message }) => message));
    for (const { reason, message } of due) {
      if (known.has(message)) continue;
      this.#context.audit.warn({ fleet: fleet.metadata.name, reason, detail: message }, 'a renewal is due');
      this.#context.events.record({ about: fleet, type: 'Warning', reason, message });
    }
  }

  /** Secrets are read by name and never kept; what is wrong with this one, the agent port says. */
  async #authority(fleet: Fleet): Promise<Validity | undefined> {
    const { client, namespace } = this.#context;
    const { name } = fleet.spec.agents.caSecretRef;
    const text = secretText(await getSecret(client, { namespace, name }), 'tls.crt');
    if (text === undefined) return undefined;
    try {
      const { validFromDate, validToDate } = new X509Certificate(text);
      return {
        notBefore: timestampFromMillis(validFromDate.getTime()),
        notAfter: timestampFromMillis(validToDate.getTime()),
      };
    } catch {
      return undefined;
    }
  }

  async #release(fleet: Fleet): Promise<Validity | undefined> {
    try {
      const release = await this.#options.releases.inForce(fleet);
      const notAfter = release && freshUntil(release);
      return release && notAfter && { notBefore: release.signedAt, notAfter };
    } catch (error) {
      if (error instanceof ContentFault) return undefined;
      throw error;
    }
  }
}

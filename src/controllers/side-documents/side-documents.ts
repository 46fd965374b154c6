import type { BootstrapNonces } from '../../api/artifacts/bootstrap-nonces.ts';
import { laterOf, type Timestamp } from '../../api/time.ts';
import type { Timer } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import type { Stores } from '../context.ts';
import { POLL_MS, pollIntervalMs, type DocumentSourceContext } from './document-source.ts';
import { SideDocument } from './side-document.ts';

/** What following the side documents needs. */
export interface SideDocumentsOptions extends Omit<DocumentSourceContext, 'configMaps'> {
  readonly stores: Pick<Stores, 'fleets' | 'configMaps'>;
  /** Store key of the served Fleet. */
  readonly fleetKey: string;
  readonly log: Logger;
}

type ListedNonces = readonly BootstrapNonces['bootstrapNonces'][number][];

/**
 * The bootstrap nonces and revocations of the served Fleet, looked at once a minute and on every change of the Fleet,
 * its trust config or the ConfigMaps that hold them (agent-protocol.md §2.4, §2.5). Every process keeps its own.
 */
export class SideDocuments {
  readonly nonces: SideDocument<'bootstrap_nonces'>;
  readonly revocations: SideDocument<'revocations'>;
  readonly #options: SideDocumentsOptions;
  readonly #listeners = new Set<() => void>();
  readonly #life = new AbortController();
  readonly #unsubscribe: (() => void)[] = [];
  #byNonce: ReadonlyMap<string, ListedNonces> = new Map();
  #revokedBefore: ReadonlyMap<string, Timestamp> = new Map();
  #running: Promise<void> | undefined;
  #again = false;
  #reported = '';
  #timer: Timer | undefined;

  constructor(options: SideDocumentsOptions) {
    this.#options = options;
    const { client, clock, stores } = options;
    const context = { client, clock, configMaps: stores.configMaps };
    this.nonces = new SideDocument(
      'bootstrap_nonces',
      'spec.agents.bootstrapNonces',
      context,
      ({ spec }) => spec.agents.bootstrapNonces,
    );
    this.revocations = new SideDocument(
      'revocations',
      'spec.agents.revocations',
      context,
      ({ spec }) => spec.agents.revocations,
    );
  }

  /** Begins to follow; resolves when the first look is over, whatever it found. */
  async start(): Promise<void> {
    const { fleets, configMaps } = this.#options.stores;
    this.#unsubscribe.push(
      fleets.subscribe((change) => {
        // The status changes all the time.
        const same =
          change.type === 'updated' && change.old.metadata.generation === change.new.metadata.generation;
        if (!same) void this.refresh();
      }),
      configMaps.subscribe((change) => {
        const object = change.type === 'deleted' ? change.old : change.new;
        if (this.#concerns(object.metadata.name)) void this.refresh();
      }),
    );
    await this.refresh();
  }

  /** Ends following. */
  stop(): void {
    this.#life.abort(new DOMException('the operator stops', 'AbortError'));
    this.#timer?.cancel();
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
  }

  /** Calls `fn` after every look that changed what is in use. Returns the removal. */
  onChange(fn: () => void): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  /** Whether every document that the Fleet names was verified once since this process started. */
  get settled(): boolean {
    const fleet = this.#options.stores.fleets.get(this.#options.fleetKey);
    return fleet !== undefined && this.nonces.isSettled(fleet) && this.revocations.isSettled(fleet);
  }

  /** The entries of the nonce list with this nonce. */
  listed(nonce: string): ListedNonces {
    return this.#byNonce.get(nonce) ?? [];
  }

  /** From when on the document in use accepts certificates of each revoked host. */
  get revokedBefore(): ReadonlyMap<string, Timestamp> {
    return this.#revokedBefore;
  }

  /** Looks now; a call while one is under way makes another one follow it. */
  refresh(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#life.signal.aborted) {
      this.#again = false;
      await this.#look();
    }
    this.#timer?.cancel();
    if (this.#life.signal.aborted) return;
    this.#timer = this.#options.clock.setTimer(this.#nextMs(), () => void this.refresh());
  }

  async #look(): Promise<void> {
    const { stores, fleetKey, log } = this.#options;
    const fleet = stores.fleets.get(fleetKey);
    if (fleet === undefined) return;
    const { signal } = this.#life;
    try {
      const changed = await Promise.all([
        this.nonces.refresh(fleet, signal),
        this.revocations.refresh(fleet, signal),
      ]);
      if (changed.includes(true)) this.#index();
      this.#report();
    } catch (error) {
      if (!signal.aborted) log.error({ err: error }, 'the side documents cannot be looked at');
    }
  }

  #index(): void {
    const byNonce = new Map<string, ListedNonces>();
    for (const entry of this.nonces.held?.payload.bootstrapNonces ?? []) {
      byNonce.set(entry.nonce, [...(byNonce.get(entry.nonce) ?? []), entry]);
    }
    this.#byNonce = byNonce;
    const revoked = new Map<string, Timestamp>();
    for (const { hostname, notBefore } of this.revocations.held?.payload.revocations ?? []) {
      revoked.set(hostname, laterOf(notBefore, revoked.get(hostname) ?? notBefore));
    }
    this.#revokedBefore = revoked;
    for (const listener of this.#listeners) listener();
  }

  #report(): void {
    const problems = [this.nonces, this.revocations].flatMap(({ problem }) => problem ?? []);
    const reported = JSON.stringify(problems);
    if (reported === this.#reported) return;
    this.#reported = reported;
    for (const { reason, message } of problems) {
      this.#options.log.warn(
        { reason, detail: message },
        'a side document is refused, the last good one stays',
      );
    }
  }

  #concerns(configMap: string): boolean {
    const spec = this.#options.stores.fleets.get(this.#options.fleetKey)?.spec;
    return [
      spec?.trust.configMapRef.name,
      spec?.agents.bootstrapNonces?.configMapRef?.name,
      spec?.agents.revocations?.configMapRef?.name,
    ].includes(configMap);
  }

  #nextMs(): number {
    const agents = this.#options.stores.fleets.get(this.#options.fleetKey)?.spec.agents;
    const intervals = [agents?.bootstrapNonces, agents?.revocations].map((spec) =>
      spec?.http === undefined ? POLL_MS : pollIntervalMs(spec.http.interval),
    );
    return Math.min(POLL_MS, ...intervals);
  }
}

import type { Fleet } from '../../api/kinds/fleet.ts';
import { fleetResource, hostRolloutRecordResource } from '../../api/kinds/resources.ts';
import { updateStatus } from '../../kube/writes.ts';
import type { ControllerContext } from '../context.ts';

const PAGE = 500;

/**
 * The term of this leader. It is raised once, before the first plan, and again where somebody deleted the Fleet's
 * status with it; marks of another term are never delivered (architecture.md §1, Dispatch).
 */
export class LeaderTerm {
  readonly #context: ControllerContext;
  #current: number | undefined;

  constructor(context: ControllerContext) {
    this.#context = context;
  }

  /** Resolves to this leader's term, having raised it and read every record live where that was still to be done. */
  async ensure(fleet: Fleet): Promise<number> {
    if (this.#current !== undefined && fleet.status?.term === this.#current) return this.#current;
    const term = await this.#raise(fleet);
    await this.#readRecords();
    this.#current = term;
    return term;
  }

  async #raise(fleet: Fleet): Promise<number> {
    const { client, stores, namespace, audit } = this.#context;
    const live = await client.get(fleetResource, { namespace, name: fleet.metadata.name });
    const highest = Math.max(live.status?.term ?? 0, this.#current ?? 0, this.#highestMark());
    const term = highest + 1;
    await updateStatus(client, fleetResource, stores.fleets, {
      base: live,
      next: { ...live, status: { ...live.status, term } },
    });
    audit.info({ fleet: fleet.metadata.name, term }, 'a leader began its term');
    return term;
  }

  /** A Fleet that was deleted and applied again counts from where its marks were. */
  #highestMark(): number {
    let highest = 0;
    for (const { status } of this.#context.stores.records.values()) {
      highest = Math.max(highest, status?.dispatch?.term ?? 0);
    }
    return highest;
  }

  async #readRecords(): Promise<void> {
    const { client, stores, namespace } = this.#context;
    let next: string | undefined;
    do {
      const page = await client.list(hostRolloutRecordResource, {
        namespace,
        limit: PAGE,
        ...(next !== undefined && { continue: next }),
      });
      for (const record of page.items) stores.records.upsertFromWrite(record);
      next = page.continue;
    } while (next !== undefined && next !== '');
  }
}

import { LRUCache } from 'lru-cache';
import type { Clock } from '../kube/clock.ts';
import { TokenBucket, type RateLimit } from '../kube/token-bucket.ts';

/** How much one peer, and all of them together, may ask for. */
export interface PeerLimit {
  readonly perPeer: RateLimit;
  /** Requests of one peer at the same time. */
  readonly runningPerPeer: number;
  /** Of all peers together; absent: no limit beside that of each. */
  readonly total?: RateLimit & { readonly running: number };
}

/** Let in, to be left once it is answered; or who asked for too much: this peer, or all of them together. */
export type Entry = { readonly leave: () => void } | { readonly tooMuch: 'peer' | 'total' };

interface Usage {
  readonly bucket: TokenBucket;
  running: number;
}

/** Peers that are remembered; who is forgotten begins anew. */
const REMEMBERED = 16_384;

/** Lets requests in within limits, so that one peer's flood costs the others nothing but the refusals. */
export class PeerLimits {
  readonly #limit: PeerLimit;
  readonly #clock: Clock;
  readonly #peers = new LRUCache<string, Usage>({ max: REMEMBERED });
  readonly #total: TokenBucket | undefined;
  #running = 0;

  constructor(limit: PeerLimit, clock: Clock) {
    this.#limit = limit;
    this.#clock = clock;
    this.#total = limit.total && new TokenBucket(limit.total, clock);
  }

  /** Lets one request of the peer in, or not. */
  enter(peer: string): Entry {
    const usage = this.#usageOf(peer);
    const { runningPerPeer, total } = this.#limit;
    if (usage.running >= runningPerPeer) return { tooMuch: 'peer' };
    if (this.#running >= (total?.running ?? Infinity)) return { tooMuch: 'total' };
    if (!usage.bucket.tryTake()) return { tooMuch: 'peer' };
    if (this.#total?.tryTake() === false) return { tooMuch: 'total' };
    usage.running += 1;
    this.#running += 1;
    return {
      leave: () => {
        usage.running -= 1;
        this.#running -= 1;
      },
    };
  }

  #usageOf(peer: string): Usage {
    const known = this.#peers.get(peer);
    if (known !== undefined) return known;
    const usage = { bucket: new TokenBucket(this.#limit.perPeer, this.#clock), running: 0 };
    this.#peers.set(peer, usage);
    return usage;
  }
}

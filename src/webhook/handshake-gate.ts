import type { Socket } from 'node:net';
import type { Clock, Timer } from '../kube/clock.ts';
import { TokenBucket } from '../kube/token-bucket.ts';

const LOOK_EVERY_MS = 20;
const LOOKS_PER_SECOND = 1000 / LOOK_EVERY_MS;
const LONGEST_WAIT_SECONDS = 2;

interface Waiting {
  readonly socket: Socket;
  readonly start: () => void;
}

/**
 * Lets in so many TLS handshakes per second, because each costs milliseconds of CPU and a whole fleet can come back at
 * once. Connections beyond that wait in a bounded line, in which addresses take turns: a flood from one of them delays
 * nobody else, and where the line is full it is the longest of its queues that loses its last.
 *
 * From the line a look lets in no more than is due between two looks. On a process that is short of CPU the looks come
 * late and the rate falls with them: else it would spend all it has on handshakes whose peers have given up meanwhile.
 */
export class HandshakeGate {
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;
  readonly #max: number;
  readonly #perLook: number;
  readonly #onEvicted: (socket: Socket) => void;
  /** In the order of their turns; none is empty. */
  readonly #queues = new Map<string, Waiting[]>();
  #count = 0;
  #timer: Timer | undefined;

  /** `onEvicted` is called for each connection that was waiting and had to go. */
  constructor(perSecond: number, clock: Clock, onEvicted: (socket: Socket) => void = () => undefined) {
    this.#clock = clock;
    this.#bucket = new TokenBucket({ perSecond, burst: perSecond }, clock);
    this.#max = perSecond * LONGEST_WAIT_SECONDS;
    this.#perLook = Math.ceil(perSecond / LOOKS_PER_SECOND);
    this.#onEvicted = onEvicted;
  }

  /** Calls `start` now or when it is this connection's turn; false where the line is full. */
  admit(socket: Socket, start: () => void): boolean {
    if (this.#count === 0 && this.#bucket.tryTake()) {
      start();
      return true;
    }
    const address = socket.remoteAddress ?? '';
    if (this.#count >= this.#max && !this.#makeRoom(address)) return false;
    // Nobody else listens yet, and an unheard error would end the process.
    socket.on('error', () => undefined);
    const queue = this.#queues.get(address);
    if (queue === undefined) this.#queues.set(address, [{ socket, start }]);
    else queue.push({ socket, start });
    this.#count += 1;
    this.#timer ??= this.#clock.setTimer(LOOK_EVERY_MS, () => this.#look());
    return true;
  }

  /** Ends all waiting connections. */
  close(): void {
    this.#timer?.cancel();
    for (const queue of this.#queues.values()) {
      for (const { socket } of queue) socket.destroy();
    }
    this.#queues.clear();
    this.#count = 0;
  }

  #look(): void {
    this.#timer = undefined;
    let left = this.#perLook;
    for (let next = this.#peek(); next !== undefined; next = this.#peek()) {
      if (next.socket.destroyed) {
        this.#take();
        continue;
      }
      if (left <= 0 || !this.#bucket.tryTake()) break;
      left -= 1;
      this.#take();
      next.start();
    }
    if (this.#count > 0) this.#timer = this.#clock.setTimer(LOOK_EVERY_MS, () => this.#look());
  }

  #peek(): Waiting | undefined {
    const [queue] = this.#queues.values();
    return queue?.[0];
  }

  /** Takes the first of the queue whose turn it is, and sends that queue to the end of the turns. */
  #take(): void {
    const [first] = this.#queues;
    if (first === undefined) return;
    const [address, queue] = first;
    queue.shift();
    this.#count -= 1;
    this.#queues.delete(address);
    if (queue.length > 0) this.#queues.set(address, queue);
  }

  /** Ends the last connection of the longest queue, where that is longer than the newcomer's own would get. */
  #makeRoom(newcomer: string): boolean {
    let longest: Waiting[] = [];
    for (const queue of this.#queues.values()) if (queue.length > longest.length) longest = queue;
    if (longest.length <= (this.#queues.get(newcomer)?.length ?? 0) + 1) return false;
    const evicted = longest.pop()?.socket;
    this.#count -= 1;
    // Before its end, after which nobody knows where it came from.
    if (evicted !== undefined) this.#onEvicted(evicted);
    evicted?.destroy();
    return true;
  }
}

// PyTorch's random numbers on a CPU, so that a seed gives the same latent here as everywhere in ganache.

// Matsumoto & Nishimura 1998, "Mersenne Twister": MT19937, seeded as by init_genrand.
export class Twister {
  constructor(seed) {
    this.state = new Uint32Array(624);
    this.state[0] = seed;
    for (let i = 1; i < 624; i++) {
      const last = this.state[i - 1] ^ (this.state[i - 1] >>> 30);
      this.state[i] = Math.imul(1812433253, last) + i;
    }
    this.place = 624;
    this.spare = null;
  }

  // 32 random bits.
  bits() {
    if (this.place === 624) this.refill();
    let y = this.state[this.place++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  refill() {
    const s = this.state;
    for (let i = 0; i < 624; i++) {
      const y = (s[i] & 0x80000000) | (s[(i + 1) % 624] & 0x7fffffff);
      s[i] = s[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.place = 0;
  }

  // A number in [0, 1) with 24 bits, as torch.rand in float32.
  uniform() {
    return (this.bits() & 0xffffff) / 2 ** 24;
  }

  // A number in [0, 1) with 53 bits.
  uniform53() {
    const high = this.bits() & 0x1fffff;
    return (high * 2 ** 32 + this.bits()) / 2 ** 53;
  }

  // An integer from 0 to n - 1, as torch.randint.
  below(n) {
    return this.bits() % n;
  }

  // n normal numbers, as torch.randn, which uses another algorithm for fewer than 16.
  normals(n) {
    return n < 16 ? Float32Array.from({ length: n }, () => this.normal()) : this.manyNormals(n);
  }

  // Box & Muller 1958, one pair per two calls.
  normal() {
    if (this.spare !== null) {
      const spare = this.spare;
      this.spare = null;
      return spare;
    }
    const angle = 2 * Math.PI * this.uniform53();
    const radius = Math.sqrt(-2 * Math.log1p(-this.uniform53()));
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  // The same for blocks of 8 pairs; if 16 does not divide n, the last 16 numbers are drawn again.
  manyNormals(n) {
    const x = Float32Array.from({ length: n }, () => this.uniform());
    for (let first = 0; first + 16 <= n; first += 16) boxMuller(x, first);
    if (n % 16) {
      for (let i = n - 16; i < n; i++) x[i] = this.uniform();
      boxMuller(x, n - 16);
    }
    return x;
  }
}

function boxMuller(x, first) {
  for (let i = first; i < first + 8; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - x[i]));
    const angle = 2 * Math.PI * x[i + 8];
    x[i] = radius * Math.cos(angle);
    x[i + 8] = radius * Math.sin(angle);
  }
}

// The newest events.
export const maxKept = 1000;
const maxKeptChars = 32 << 20;

// Ring is bounded in number and in size.
export class Ring {
  constructor() {
    this.list = [];
    this.first = 0;
    this.chars = 0;
  }

  push(event) {
    this.list.push(event);
    this.chars += event.data.length;
    while (this.list.length - this.first > maxKept || (this.chars > maxKeptChars && this.list.length - this.first > 1)) {
      this.chars -= this.list[this.first].data.length;
      this.list[this.first++] = undefined;
    }
    if (this.first > maxKept) {
      this.list = this.list.slice(this.first);
      this.first = 0;
    }
  }

  items() {
    return this.list.slice(this.first);
  }
}

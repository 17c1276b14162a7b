// A network as objects: nodes that know their links, trained one sample at a time.
//
//   node playground.js SAMPLES BATCH EPOCHS      prints the microseconds of a step
//
// As small networks in a browser work: every node is an object, and so is every link; sums and
// gradients are accumulated along the links. 2-8-8-1, tanh everywhere, squared error, SGD.

"use strict";

const [samples, batch, epochs] = process.argv.slice(2).map(Number);
const LEARNING_RATE = 0.03;

class Node {
  constructor() {
    this.incoming = [];
    this.outgoing = [];
    this.bias = 0.1;
    this.sum = 0;
    this.output = 0;
    this.outputGradient = 0;
    this.sumGradient = 0;
    this.biasGradients = 0;
    this.accumulated = 0;
  }

  activate() {
    this.sum = this.bias;
    for (const link of this.incoming) this.sum += link.weight * link.source.output;
    this.output = Math.tanh(this.sum);
  }
}

class Link {
  constructor(source, target) {
    this.source = source;
    this.target = target;
    this.weight = Math.random() - 0.5;
    this.gradient = 0;
    this.gradients = 0;
    this.accumulated = 0;
  }
}

function connect(sizes) {
  const layers = sizes.map((size) => Array.from({ length: size }, () => new Node()));
  for (let k = 1; k < layers.length; k++) {
    for (const source of layers[k - 1]) {
      for (const target of layers[k]) {
        const link = new Link(source, target);
        source.outgoing.push(link);
        target.incoming.push(link);
      }
    }
  }
  return layers;
}

function forward(layers, inputs) {
  layers[0].forEach((node, i) => { node.output = inputs[i]; });
  for (let k = 1; k < layers.length; k++) for (const node of layers[k]) node.activate();
}

function backward(layers, target) {
  for (const node of layers[layers.length - 1]) node.outputGradient = 2 * (node.output - target);
  for (let k = layers.length - 1; k >= 1; k--) {
    for (const node of layers[k]) {
      node.sumGradient = node.outputGradient * (1 - node.output * node.output);
      node.biasGradients += node.sumGradient;
      node.accumulated++;
      for (const link of node.incoming) {
        link.gradient = node.sumGradient * link.source.output;
        link.gradients += link.gradient;
        link.accumulated++;
      }
    }
    if (k === 1) continue;
    for (const node of layers[k - 1]) {
      node.outputGradient = 0;
      for (const link of node.outgoing) {
        node.outputGradient += link.weight * link.target.sumGradient;
      }
    }
  }
}

function descend(layers) {
  for (let k = 1; k < layers.length; k++) {
    for (const node of layers[k]) {
      node.bias -= (LEARNING_RATE * node.biasGradients) / node.accumulated;
      node.biasGradients = node.accumulated = 0;
      for (const link of node.incoming) {
        link.weight -= (LEARNING_RATE * link.gradients) / link.accumulated;
        link.gradients = link.accumulated = 0;
      }
    }
  }
}

function train(layers, data, times) {
  let steps = 0;
  for (let epoch = 0; epoch < times; epoch++) {
    data.forEach(({ inputs, target }, i) => {
      forward(layers, inputs);
      backward(layers, target);
      if ((i + 1) % batch === 0 || i + 1 === data.length) {
        descend(layers);
        steps++;
      }
    });
  }
  return steps;
}

const data = Array.from({ length: samples }, () => {
  const inputs = [Math.random() * 2 - 1, Math.random() * 2 - 1];
  return { inputs, target: Math.hypot(...inputs) < 0.8 ? 1 : -1 };
});
const layers = connect([2, 8, 8, 1]);
train(layers, data, epochs); // until it has been compiled
let best = Infinity;
for (let k = 0; k < 5; k++) {
  const start = process.cpuUsage();
  const steps = train(layers, data, epochs);
  best = Math.min(best, process.cpuUsage(start).user / steps);
}
console.log(best);

mod known;
mod random;

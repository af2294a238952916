//! The sandbox as a client meets it, over sockets of its own.

mod acquire;
mod acquired;
mod binary;
mod client;
mod code_flow;
mod control;
mod device;
mod faults;
mod frederick;
mod oauth2;
mod pink;

"""Files in chunks: what the driver's GridFS needs of the server."""

from __future__ import annotations

import os
from typing import Any

import pytest
from gridfs import GridFS, GridFSBucket
from gridfs.errors import FileExists, NoFile
from pymongo.database import Database

Base = Database[dict[str, Any]]


def test_a_file_comes_back_as_it_went(database: Base) -> None:
    content = os.urandom(3 * 255 * 1024 + 17)
    files = GridFS(database)
    number = files.put(content, filename="a", metadata={"of": "test"})
    with files.get(number) as file:
        assert file.read() == content
        assert file.length == len(content)
        assert file.metadata == {"of": "test"}
        file.seek(255 * 1024 - 3)
        assert file.read(10) == content[255 * 1024 - 3 : 255 * 1024 + 7]
    assert database.fs.chunks.count_documents({"files_id": number}) == 4
    assert "files_id_1_n_1" in database.fs.chunks.index_information()
    assert database.fs.chunks.index_information()["files_id_1_n_1"]["unique"] is True
    assert "filename_1_uploadDate_1" in database.fs.files.index_information()


def test_versions_of_a_name_are_kept(database: Base) -> None:
    files = GridFS(database)
    files.put(b"first", filename="a")
    files.put(b"second", filename="a")
    assert files.get_last_version("a").read() == b"second"
    assert files.get_version("a", 0).read() == b"first"
    assert files.list() == ["a"]
    with pytest.raises(NoFile):
        files.get_version("a", 5)


def test_a_bucket_renames_and_deletes(database: Base) -> None:
    bucket = GridFSBucket(database, bucket_name="photos", chunk_size_bytes=1024)
    number = bucket.upload_from_stream("a", b"x" * 5000)
    bucket.rename(number, "b")
    assert bucket.open_download_stream_by_name("b").read() == b"x" * 5000
    assert [file.filename for file in bucket.find({"length": {"$gt": 1}})] == ["b"]
    bucket.delete(number)
    assert database.photos.chunks.count_documents({}) == 0
    with pytest.raises(NoFile):
        bucket.open_download_stream(number)


def test_an_id_is_taken_once(database: Base) -> None:
    files = GridFS(database)
    files.put(b"a", _id=1)
    with pytest.raises(FileExists):
        files.put(b"b", _id=1)
    assert files.get(1).read() == b"a"
